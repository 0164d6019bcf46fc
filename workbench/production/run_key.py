"""The identity of a run: equal keys mean that an equal result may be expected. Not host, user, time or git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from workbench.records.base import sha256_json
from workbench.records.run import Input, RunRecord


def run_key(
    *, code_sha256: str, parameters: Mapping[str, JsonValue], environment_sha256: str, inputs: Iterable[Input], seed: int | None
) -> str:
    """sha256 in hex of code, parameters, environment, what was read, and seed.

    A parameter that names an input counts by that input's content: the same data under another path give the same key.
    """
    hashes = {item.name: item.sha256 for item in inputs}
    return sha256_json(
        {
            "code": code_sha256,
            "parameters": {k: hashes.get(v, v) if isinstance(v, str) else v for k, v in parameters.items()},
            "environment": environment_sha256,
            "inputs": sorted(hashes.values()),
            "seed": seed,
        }
    )


def recorded_run_key(record: RunRecord) -> str:
    """The key that a record's own parts give."""
    return run_key(
        code_sha256=record.template_sha256,
        parameters=record.parameters,
        environment_sha256=record.environment_sha256,
        inputs=record.inputs,
        seed=record.seed,
    )
