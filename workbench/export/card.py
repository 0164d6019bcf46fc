"""The model card: what a reader who decides about a model must know, on one page of Markdown.

Sections after M. Mitchell et al., Model Cards for Model Reporting (FAT* 2019), as far as the records can fill them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.export.parity import takes_missing
from workbench.records.model import Evaluation, ModelManifest


def card(manifest: ModelManifest, *, notice: str) -> str:
    """The card. notice: what the project says of its data (where they come from, what they may be used for)."""
    parts = (
        f"# {_text(manifest.name)}, version {manifest.model_version}",
        _what(manifest),
        "## Data\n\n" + _data(manifest, notice),
        "## How good it is\n\n" + ("\n\n".join(map(_evaluation, manifest.evaluations)) or "It was not evaluated."),
        "## Proof that this file is the trained model\n\n" + _list(f.message for f in manifest.evidence),
        "## Limits\n\n" + _list(_limits(manifest)),
    )
    return "\n\n".join(parts) + "\n"


def _what(manifest: ModelManifest) -> str:
    lines = [
        f"Predicts `{manifest.target}` ({manifest.task}) by a model of the family `{manifest.family}`, "
        f"from {len(manifest.encoding.features)} features of {len(manifest.encoding.columns)} columns.",
    ]
    if manifest.scale:
        lines.append(f"It predicts the target divided by `{manifest.scale}`; the scorer multiplies that back.")
    if manifest.classes:
        lines.append("Classes: " + ", ".join(f"`{label}`" for label in manifest.classes) + ".")
    made = f"Exported {manifest.created:%Y-%m-%d %H:%M} UTC by {_text(manifest.created_by) or 'an unnamed user'}"
    lines.append(made + (f" from the run `{manifest.run_id}`." if manifest.run_id else "."))
    return "\n".join(lines)


def _data(manifest: ModelManifest, notice: str) -> str:
    read = [f"`{name}`, content sha256 `{digest[:12]}`" for name, digest in sorted(manifest.datasets.items())]
    return "\n\n".join(filter(None, (_list(read) if read else "The train step names no dataset.", _text(notice))))


def _evaluation(evaluation: Evaluation) -> str:
    rows = [
        f"| {score.metric}{f' ({score.unit})' if score.unit else ''} | {_shown(score.model)} | {_shown(score.baseline)} |"
        for score in evaluation.scores
    ]
    gain = evaluation.gain
    return "\n".join(
        (
            f"On {evaluation.rows:,} rows of the split `{evaluation.split}`, beside this baseline: "
            f"{_text(evaluation.baseline)}. Better: **{evaluation.verdict}** "
            f"({gain.metric} {gain.value:+.4g}, 95 % interval {gain.low:.4g} to {gain.high:.4g}).",
            "",
            "| metric | model | baseline |",
            "|---|---|---|",
            *rows,
        )
    )


def _limits(manifest: ModelManifest) -> list[str]:
    limits = [
        "It was compared with the original in float32 on the CPU; other runtimes were not.",
        "It says nothing about rows unlike those it was trained on; compare new rows with the training rows (drift).",
        "A category that training did not see counts as none of the known ones.",
    ]
    missing = [] if takes_missing(manifest.evidence) else ["It takes no missing values: the scorer refuses such rows."]
    left_out = [f"`{column.name}` is not used: {column.reason}." for column in manifest.encoding.left_out]
    warned = [
        f"{e.split}: {_text(f.message)}" for e in manifest.evaluations for f in e.findings if f.outcome in ("warn", "fail")
    ]
    return limits + missing + left_out + warned


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _text(words: str) -> str:
    """Words of a person or a record, harmless in Markdown and in the HTML made of it."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(words.split()))
