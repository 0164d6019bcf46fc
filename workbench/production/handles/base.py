"""A handle: something that goes on while the notebook does, and shows itself.

The verb works in a thread (a run is a process of its own anyway), and its events move a card. What is started here ends with
this process; what was started elsewhere is followed by the files it writes.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, Generic, Self, TypeVar

from workbench.errors import BadInput, WorkbenchError
from workbench.production.cancel import cancel
from workbench.production.handles.following import Progress
from workbench.production.handles.screens import Open, Screen, open_screen, shell
from workbench.production.sweeps.result import SweepReport
from workbench.project import Project
from workbench.records.html import card
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import RunRecord, State
from workbench.records.view import View

R = TypeVar("R", RunRecord, SweepReport, PipelineRecord)
ENDED = {State.FAILED: "failed", State.LOST: "is lost", State.CANCELLED: "was cancelled"}
FOLLOW_S = 0.5  # how often to look at what goes on elsewhere
SIGNS = {State.DONE: "✓", State.FAILED: "✗", State.LOST: "✗", State.CANCELLED: "■", State.RUNNING: "▶", State.QUEUED: "…"}


class Handle(ABC, Generic[R]):
    """`state`, `record` and what it shows tell the present; `wait()`, and what only an ended one has, waits for the end.

    id: of what it holds; empty while that has no name yet. opens: where it shows itself.
    """

    what: ClassVar[str]

    def __init__(self, project: Project, id: str = "", *, opens: Open = open_screen) -> None:
        self.project, self.id = project, id
        self._opens = opens
        self._progress = Progress()
        self._screens: list[Screen] = []
        self._lock = threading.Lock()
        self._named, self._over = threading.Event(), threading.Event()
        self._working = self._done = False
        self._record: R | None = None  # of an ended one
        self._broke: BaseException | None = None
        self._shown_in: int | None = None  # the number of the cell in which it shows itself

    def start(self, work: Callable[[Project], R]) -> Self:
        """Let `work` go on in a thread; returns once it has a name, and raises what it raises before."""
        self._work(work, daemon=shell() is not None)
        self._named.wait()
        if not self.id and self._broke is not None:
            raise self._broke
        self._show()
        return self

    @property
    def record(self) -> R:
        """The record as it stands now."""
        if self._record is not None:
            return self._record
        found = self._look()
        if found.state is State.DONE:  # it stays as it is; what was broken off may be taken up again
            self._record = found
        return found

    @property
    def state(self) -> State:
        """Where it stands now."""
        return State.FAILED if self._broke is not None else self.record.state

    def wait(self) -> Self:
        """Wait for the end. Interrupted in a notebook, only the waiting ends; Ctrl-C in a script stops what is waited for.

        Raises RunFailed when a run or a pipeline did not end well, and whatever kept a verb from its work.
        """
        record = self._end()
        if self._broke is not None:
            raise self._broke
        self._judge(record)
        return self

    def cancel(self) -> None:
        """Stop it; what is finished is kept. Raises BadInput when it has ended."""
        cancel(self.project, self.id)

    @abstractmethod
    def view(self) -> View:
        """What its card shows beside the progress."""

    @abstractmethod
    def _look(self) -> R:
        """The record as the disk has it."""

    @abstractmethod
    def _name(self, event: Mapping[str, Any]) -> str:
        """The id, if this event tells it."""

    @abstractmethod
    def _follow(self, project: Project) -> R:
        """Wait for the end of what another process does; tell the project's listener of it. Returns its record."""

    @abstractmethod
    def _judge(self, record: R) -> None:
        """Raise RunFailed unless it has ended well."""

    @property
    def _going(self) -> bool:
        return self._working and not self._done

    def _end(self) -> R:
        """The record of its end, good or bad."""
        if not self._working and not self.state.ended:
            self._work(self._follow, daemon=True)
        try:
            if self._working:
                self._over.wait()
        except KeyboardInterrupt:
            if shell() is None:
                self.cancel()
            raise
        return self.record

    def _work(self, work: Callable[[Project], R], *, daemon: bool) -> None:
        self._working = True
        threading.Thread(target=self._do, args=(work,), daemon=daemon, name=self.what).start()

    def _do(self, work: Callable[[Project], R]) -> None:
        try:
            self._record = work(replace(self.project, listener=self._hear))
        except BaseException as error:  # told where it is waited for
            self._broke = error
        try:
            with self._lock:
                self._done, screens = True, tuple(self._screens)
            for screen in screens:
                screen.hear("" if self._broke is None else str(self._broke))
                screen.ended()
        finally:
            self._named.set()
            self._over.set()

    def _hear(self, event: Mapping[str, Any]) -> None:
        line = self._progress.hear(event)
        if not self.id and (name := self._name(event)):
            self.id = name
            self._named.set()
        for screen in tuple(self._screens):
            screen.hear(line)

    def _show(self) -> None:
        self._shown_in = getattr(shell(), "execution_count", None)
        screen = self._opens(self._repr_html_, self.__repr__, self._stop)
        with self._lock:
            self._screens.append(screen)
            late = self._done
        if late:
            screen.ended()

    def _stop(self) -> None:
        with suppress(BadInput):  # it has just ended
            self.cancel()

    def _ipython_display_(self) -> None:
        """Live while it goes on, except in the cell that has started it: there it lives already."""
        from IPython.display import display

        here = shell()
        if here is not None and self._shown_in == here.execution_count:
            return
        if self._done or self.state.ended:
            display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)  # type: ignore[no-untyped-call]
            return
        if not self._working:
            self._work(self._follow, daemon=True)
        self._show()

    def _repr_html_(self) -> str:
        view = self.view()
        if isinstance(self._broke, WorkbenchError):
            view = view.model_copy(update={"text": f"{self._broke}\n\n{view.text}".strip()})
        return card(view, bars=self._progress.bars() if self._going else ())

    def __repr__(self) -> str:
        told: list[str] = [bar.told for bar in self._progress.bars()[:1] if self._going]
        return ", ".join([f"{self.what} {self.id}: {self.state.value}", *told])
