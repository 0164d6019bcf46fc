"""The child process of our launcher: executes one prepared run. `python -m workbench.production.child FOLDER`"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

# jsonschema, which papermill loads through nbformat, builds the grammar of internationalized addresses (RFC 3987) as it
# is imported: two thirds of papermill's whole start. No notebook is checked against that format; without the package
# jsonschema leaves it out.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


def stop(_signal: int, _frame: Any) -> NoReturn:
    """SIGTERM ends the run in order: the kernel is shut down, and the record closed as cancelled."""
    raise SystemExit(143)


def main(folder: Path) -> None:
    """Execute the run in `folder` through papermill with our engine."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from workbench.records.run import RunRecord

    record = RunRecord.load(folder / "record.json")
    try:
        papermill.execute_notebook(
            str(folder / "input.ipynb"),
            str(folder / "output.ipynb"),
            parameters=record.parameters,
            engine_name="workbench",
            progress_bar=False,
        )
    except PapermillExecutionError:
        raise SystemExit(1) from None  # the record holds the cell and its traceback


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    main(Path(sys.argv[1]))
