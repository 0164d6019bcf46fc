"""What most tests stand on: a project in a temporary folder, and a way to write a template in sight."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench import project as projects
from workbench.project import Project

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new, empty project whose actor is 'ana' and whose clock stands at noon."""
    projects.init(tmp_path / "project")
    return replace(projects.open_project(tmp_path / "project"), actor="ana", clock=lambda: NOON)


def code(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{abs(hash(source)):x}"[:8],
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"m{abs(hash(source)):x}"[:8], "metadata": {}, "source": source}


def write_notebook(path: Path, *cells: dict[str, Any]) -> Path:
    """A notebook of these cells, with ids by position."""
    numbered = [{**cell, "id": f"cell-{i}"} for i, cell in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    data = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": numbered}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


@pytest.fixture
def template(project: Project) -> Callable[..., Path]:
    """`template("name", "weeks: int = 8", "print(weeks)")` writes templates/name.ipynb: a parameters cell and code cells."""

    def write(name: str, parameters: str, *sources: str) -> Path:
        told = (cell for source in sources for cell in (text("Then this."), code(source)))
        cells = (text(f"# {name.capitalize()}\n\nA template for a test."), code(parameters, "parameters"), *told)
        return write_notebook(project.root / "templates" / f"{name}.ipynb", *cells)

    return write


def hears_ctrl_c() -> None:
    """For a child: a suite that was started in the background ignores Ctrl-C, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


def as_nobody(act: Callable[[], Any]) -> Any:
    """What `act` returns when an unprivileged user (uid 65534) calls it: to root, nothing is read-only."""
    context = multiprocessing.get_context("fork")
    answers: Any = context.SimpleQueue()

    def child() -> None:
        os.setegid(65534)
        os.seteuid(65534)
        answers.put(act())

    process = context.Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    return answers.get()
