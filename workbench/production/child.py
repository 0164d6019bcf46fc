"""The child process of our launcher: executes one prepared run. `python -m workbench.production.child FOLDER`"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn


def load_papermill() -> None:
    """Import papermill, and our engine, without parts that cost more than the rest and that no run of ours needs.

    jsonschema, which papermill loads through nbformat, builds the grammar of internationalized addresses (RFC 3987) as it is
    imported; without that package it leaves the format out, against which no notebook is checked. boto3 and pyarrow are for
    s3:// and hdfs://, while a run's own notebooks are files; and pyarrow starts a thread, which a process that forks must not.
    """
    unwanted = {name: sys.modules.get(name) for name in ("rfc3987_syntax", "pyarrow", "boto3")}
    sys.modules.update(dict.fromkeys(unwanted))  # type: ignore[arg-type]
    try:
        import papermill  # noqa: F401

        import workbench.production.engine
        import workbench.production.recorder  # noqa: F401
    finally:
        for name, module in unwanted.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def stop(_signal: int, _frame: Any) -> NoReturn:
    """SIGTERM ends the run in order: the kernel is shut down, and the record closed as cancelled."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: a second one must not break the closing
    raise SystemExit(143)


def main(folder: Path) -> None:
    """Execute the run in `folder` through papermill with our engine, and end what it leaves behind."""
    load_papermill()
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from workbench.production.processes import end_leftovers
    from workbench.production.recorder import Recorder
    from workbench.production.run_folder import BEGUN
    from workbench.production.runs import CANCEL
    from workbench.production.watch import watch
    from workbench.records.run import RunRecord

    record = RunRecord.load(folder / "record.json")
    watch(record.limits, Recorder.break_off_current, cancel=folder / CANCEL)
    try:
        papermill.execute_notebook(
            str(folder / "input.ipynb"),
            None,  # the engine writes output.ipynb itself, before the record says that the run is done
            parameters=record.parameters,
            engine_name="workbench",
            progress_bar=False,
            **_kernel(folder),
        )
    except PapermillExecutionError:
        raise SystemExit(1) from None  # the record holds the cell and its traceback
    finally:
        end_leftovers(record.run_id)
        (folder / BEGUN).unlink(missing_ok=True)


def _kernel(folder: Path) -> dict[str, str]:
    """What papermill must be told of a notebook that names no kernel, as programs write them: it is Python."""
    metadata = json.loads((folder / "input.ipynb").read_bytes()).get("metadata", {})
    return {} if metadata.get("kernelspec", {}).get("name") else {"kernel_name": "python3", "language": "python"}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    main(Path(sys.argv[1]))
