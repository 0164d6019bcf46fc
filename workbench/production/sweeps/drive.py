"""The driver of a sweep: takes points from the queue, runs them, tries again what the machine broke.

It can be killed at any time and started again, on this queue or beside another driver: what is done stays done, because the
run folders say so; what another one works on is claimed in the ledger.
"""

from __future__ import annotations

import heapq
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import JsonValue

from workbench.errors import UserError, WorkbenchError
from workbench.production import cache
from workbench.production.call_key import call_key
from workbench.production.interface import Executor, RunRef, RunSpec
from workbench.production.launch import Asked, prepare
from workbench.production.ledger import BEAT_S, Ledger
from workbench.production.parameters import read_parameters
from workbench.production.runs import cancelled_by_person
from workbench.production.sweeps.spec import Sweep, SweepFolder
from workbench.production.validation import validate
from workbench.project import Project, look
from workbench.records.run import FailureKind, RunRecord, State

WAIT_S = 0.2
FOREIGN_S = 1.0  # how often to look again at what other drivers work on
BACK_OFF_S = 1.0  # before the second try; doubled for each further one
LONGEST_BACK_OFF_S = 60.0


class Try(NamedTuple):
    """A point on its way; ordered by when it is due (monotonic seconds)."""

    due_s: float
    position: int
    tries: int  # of this driver
    point: dict[str, JsonValue]


@dataclass
class Flight:
    """A run that was handed to the executor."""

    attempt: Try
    run_id: str


class Driver:
    """Works on one sweep until nothing is left to do, or it is told to stop."""

    def __init__(
        self, project: Project, folder: SweepFolder, executor: Executor, *, workers: int, failed: bool = False
    ) -> None:
        self.project, self.folder, self.executor, self.workers = project, folder, executor, workers
        self.spec: Sweep = folder.spec
        self.notebook = folder.notebook
        self.known = read_parameters(self.notebook, self.spec.template)
        self.ledger = Ledger(project)
        self.again = failed
        self.flying: dict[Future[RunRef], Flight] = {}
        self.delayed: list[Try] = []
        self.foreign = 0  # positions seen in other hands since the last look
        self.interrupts = 0
        self.beaten_s = 0.0
        self.broke: WorkbenchError | None = None

    def drive(self) -> None:
        """Run what is open. Raises the WorkbenchError that stopped it: a full disk stops the whole sweep."""
        try:
            with self._signals():
                while self._pass():
                    time.sleep(FOREIGN_S)
        finally:  # a process that lives on, as a notebook's does, must not keep what it will not try again
            for attempt in self.delayed:
                self.ledger.release(self.spec.sweep_id, attempt.position)
        if self.broke is not None:
            raise self.broke

    def _pass(self) -> bool:
        """Go through the queue once; True when others still work on some of it."""
        self.foreign = 0
        queue = self._open()
        more = True
        while more or self.flying or self.delayed:
            self._look_around()
            if self.stopping:
                break
            if len(self.flying) < self.workers and not self.draining:
                attempt, more = self._next(queue, more)
                if attempt is not None:
                    self._launch(attempt)
                    continue
            elif self.draining and not self.flying:
                break
            self._reap(WAIT_S)
        if self.stopping:
            self._stop_all()
        return self.foreign > 0 and not self.draining

    @property
    def draining(self) -> bool:
        return self.interrupts > 0 or self.stopping

    @property
    def stopping(self) -> bool:
        return self.interrupts > 1 or self.broke is not None or self.folder.cancelled.exists()

    def stop(self, *, at_once: bool) -> None:
        """Start nothing more; at_once: and stop what is on its way. May be called from another thread."""
        self.interrupts = max(self.interrupts, 2 if at_once else 1)

    def _open(self) -> Iterator[Try]:
        """The points that nobody has finished, in order. Known states are looked up once: a byte a position."""
        final = self._final()
        for position, point in self.folder.points():
            if not final[position]:
                yield Try(0.0, position, 0, point)

    def _final(self) -> bytearray:
        final = bytearray(self.spec.design.count)
        for place in self.ledger.places(self.spec.sweep_id):
            final[place.position] = self._is_final(place.state, place.run_id)
        for position, run_id in self.folder.cached().items():
            final[position] = (self.project.runs / run_id / "record.json").exists()
        return final

    def _is_final(self, state: State, run_id: str) -> bool:
        if state is State.DONE:
            return True
        if state not in (State.FAILED, State.CANCELLED) or self.again:
            return False
        try:
            record = look(self.project.runs / run_id)
        except UserError:
            return False
        if record.state is State.CANCELLED:
            return cancelled_by_person(self.project, run_id)
        return record.failure is not None and not self._retryable(record)

    def _next(self, queue: Iterator[Try], more: bool) -> tuple[Try | None, bool]:
        """What to start now, if anything, and whether the queue may hold more."""
        if self.delayed and self.delayed[0].due_s <= time.monotonic():
            return heapq.heappop(self.delayed), more
        attempt = next(queue, None) if more else None
        return attempt, more and attempt is not None

    def _launch(self, attempt: Try) -> None:
        position = attempt.position
        try:
            if attempt.tries == 0 and not self.ledger.claim(self.spec.sweep_id, position):  # a later try is ours still
                self.foreign += 1
                return
            values = validate(self.known, {**self.spec.parameters, **attempt.point}, self.spec.template)
            key = call_key(self.project, self.notebook, values)
            earlier = None if self.spec.fresh else cache.find(self.project, self.notebook, values, key=key)
            if earlier is not None:
                self.folder.note_cached(position, earlier.run_id)
                self.ledger.release(self.spec.sweep_id, position)
                self._tell(position, earlier.run_id, "cached")
                return
            asked = Asked(
                limits=self.spec.limits,
                fresh=self.spec.fresh,
                sweep=self.spec.sweep_id,
                position=position,
                attempt=attempt.tries + 1,
            )
            folder = prepare(self.project, self.spec.template, self.notebook, values, asked=asked, key=key)
            future = self.executor.submit(RunSpec(project=str(self.project.root), run_id=folder.name))
        except WorkbenchError as error:  # a full disk: the next thousand would not fare better
            self.broke = error
            self.ledger.release(self.spec.sweep_id, position)
            return
        self.flying[future] = Flight(attempt, folder.name)
        self._tell(position, folder.name, "running")

    def _reap(self, timeout_s: float) -> None:
        if not self.flying:
            time.sleep(timeout_s)
            return
        for future in wait(self.flying, timeout=timeout_s, return_when=FIRST_COMPLETED).done:
            self._landed(self.flying.pop(future), future)

    def _landed(self, flight: Flight, future: Future[RunRef]) -> None:
        try:
            future.result()
            record = look(self.project.runs / flight.run_id)
            self.ledger.note(record)
        except UserError:
            record = None  # its folder was removed by hand: nothing came of it
        except WorkbenchError as error:
            self.broke = self.broke or error  # what stopped it first is what to tell
            self.ledger.release(self.spec.sweep_id, flight.attempt.position)
            with suppress(UserError):
                if look(folder := self.project.runs / flight.run_id).state is State.QUEUED:
                    shutil.rmtree(folder, ignore_errors=True)  # it never began
            return
        position, tries = flight.attempt.position, flight.attempt.tries + 1
        again = record is None or (self._retryable(record) and not cancelled_by_person(self.project, flight.run_id))
        if again and tries <= self.spec.retries:
            pause = min(BACK_OFF_S * 2 ** (tries - 1), LONGEST_BACK_OFF_S) * random.uniform(0.5, 1.0)
            heapq.heappush(self.delayed, Try(time.monotonic() + pause, position, tries, flight.attempt.point))
            self._tell(position, flight.run_id, "retry")
            return
        self.ledger.release(self.spec.sweep_id, position)
        self._tell(position, flight.run_id, "lost" if record is None else record.state.value)

    def _retryable(self, record: RunRecord) -> bool:
        """Infrastructure may do better the next time; a cell's error, or a limit, only if its name was given."""
        if record.state is State.LOST:
            return True
        failure = record.failure
        if record.state is not State.FAILED or failure is None:
            return False
        return failure.kind is FailureKind.INFRASTRUCTURE or failure.name in self.spec.retry_on

    def _look_around(self) -> None:
        """Renew the claims, those that wait for another try included."""
        if time.monotonic() - self.beaten_s > BEAT_S:
            self.beaten_s = time.monotonic()
            held = [f.attempt.position for f in self.flying.values()] + [t.position for t in self.delayed]
            if held:
                self.ledger.beat(self.spec.sweep_id, held)

    def _stop_all(self) -> None:
        for flight in self.flying.values():
            self.executor.cancel(flight.run_id)
        while self.flying:
            self._reap(WAIT_S)

    def _tell(self, position: int, run_id: str, state: str) -> None:
        self.project.listener(
            {"event": "position", "sweep": self.spec.sweep_id, "position": position, "run": run_id, "state": state}
        )

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C once: start nothing more and let the running ones end; twice, or SIGTERM: stop them."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, _frame: Any) -> None:
            self.interrupts += 1 if number == signal.SIGINT else 2
            state = "stopping" if self.interrupts > 1 else "draining"
            self.project.listener({"event": "sweep", "sweep": self.spec.sweep_id, "state": state})

        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
