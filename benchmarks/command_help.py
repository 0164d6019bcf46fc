"""How long a person waits for a command's help: the start of the command, and nothing else."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.measure import Cost, alternate, middle, require, run

FIGURES = (
    Figure(
        name="command_help",
        title="`workbench --help`",
        unit="CPU s",
        goal="ours <= 0.25",
        peer=("papermill",),
        against="`papermill --help`",
        meaning="The start of a command that does nothing yet. It says nothing of the verbs: one that reads data loads an "
        "engine first; and papermill's start is the environment's as much as its own (JupyterLab brings jsonschema's "
        "format checkers, which papermill then builds).",
    ),
)
ROUNDS = 4


def measure(_place: Path) -> dict[str, tuple[float, float]]:
    costs = alternate({"workbench": lambda: _help("workbench"), "papermill": lambda: _help("papermill")}, rounds=ROUNDS)
    return {"command_help": (middle(costs["workbench"]).cpu_s, middle(costs["papermill"]).cpu_s)}


def _help(command: str) -> Cost:
    done = run(command, "--help")
    require("Usage" in done.printed and "--help" in done.printed, f"{command} --help printed no help")
    return done.cost
