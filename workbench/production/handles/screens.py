"""Where the progress of a handle is seen: in a notebook as a widget, in a terminal and a log as lines, in a script nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

from workbench import plugins
from workbench.production.results import RUN_ID

GROUP = "workbench.progress"


class Screen(Protocol):
    """Shows something that goes on. Told from several threads."""

    def hear(self, line: str) -> None:
        """Something has changed; `line` says what where it is worth a line, else it is empty."""
        ...

    def ended(self) -> None:
        """It has ended: what is shown now stays."""
        ...


class Open(Protocol):
    """Opens a screen. Plug-in group `workbench.progress`; `notebook` is the one for Jupyter.

    draw: what it looks like now, as HTML; plain: the same in one line; stop: what the person's wish to stop it calls.
    """

    def __call__(self, draw: Callable[[], str], plain: Callable[[], str], stop: Callable[[], object]) -> Screen: ...


class Nowhere:
    """A script: it asks when it wants to know."""

    def hear(self, line: str) -> None: ...

    def ended(self) -> None: ...


class Lines:
    """A terminal, or a run of ours whose notebook nobody watches: a line for each change worth telling."""

    def hear(self, line: str) -> None:
        if line:
            print(line, flush=True)

    def ended(self) -> None: ...


def shell() -> Any | None:
    """IPython's shell, where Python is used through one. IPython is not loaded for it."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return get_ipython()


def open_screen(draw: Callable[[], str], plain: Callable[[], str], stop: Callable[[], object]) -> Screen:
    """The screen that fits where this process stands."""
    here = shell()
    if here is None:
        return Nowhere()
    if getattr(here, "kernel", None) is None or os.environ.get(RUN_ID):
        return Lines()
    notebook: Open = plugins.load(GROUP, "notebook")
    return notebook(draw, plain, stop)
