"""The ledger: an index of the runs, who works on what, and which result is the accepted one.

The run folders are the truth; the ledger can be deleted at any time and is built anew from them. What it adds is what
folders cannot give: a decision that exactly one of several processes wins (accept, claim), and a look-up that does not read
ten thousand records.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from typing import NamedTuple

from workbench.errors import UserError
from workbench.machine import is_alive, this_process
from workbench.production.ledger_file import UNREADABLE, LedgerFile, index, transaction
from workbench.project import Project, look
from workbench.records.run import Process, RunRecord, State

LEASE_S = 30.0  # a claim of another host is taken over when its owner was silent so long
BEAT_S = 5.0


class Place(NamedTuple):
    """One position of a sweep as it stands: the state and the id of its latest run, and how many attempts it had."""

    position: int
    state: State
    run_id: str
    attempts: int


class Ledger:
    """The ledger of one project. Raises MachineError when the disk is full or read-only."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = LedgerFile(project)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def note(self, record: RunRecord, call_key: str | None = None) -> None:
        """Index a run as its record stands. call_key: None keeps the one that is known."""
        with self.file.open() as db:
            index(db, record, call_key)

    def next_generation(self, call_key: str) -> int:
        """The generation that a new run of this call opens: one after the last accepted."""
        with self.file.open() as db:
            row = db.execute("SELECT max(generation) FROM runs WHERE call_key = ? AND accepted = 1", (call_key,)).fetchone()
        return int(row[0] or 0) + 1

    def accepted_runs(self, call_key: str) -> list[str]:
        """Ids of the accepted runs of this call, the latest generation first."""
        query = "SELECT run_id FROM runs WHERE call_key = ? AND accepted = 1 ORDER BY generation DESC, run_id DESC"
        with self.file.open(write=False) as db:
            return [row[0] for row in db.execute(query, (call_key,))]

    def find(self, end: str) -> list[str]:
        """Ids that end so, at most six."""
        escaped = end.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        last = "substr(run_id, -8) = substr(:end, -8) AND " if len(end) >= 8 else ""  # an index has the last eight signs
        query = f"SELECT run_id FROM runs WHERE {last}run_id LIKE :like ESCAPE '\\' ORDER BY run_id LIMIT 6"
        given = {"end": end, "like": f"%{escaped}"}
        with self.file.open(write=False) as db:
            found = [row[0] for row in db.execute(query, given)]
            if not found or not all((self.project.runs / run_id).is_dir() for run_id in found):
                self.file.compare_names(db)
                found = [row[0] for row in db.execute(query, given)]
        return [run_id for run_id in found if run_id.endswith(end)]  # LIKE takes A for a

    def ids(self, *, template: str | None = None, states: tuple[State, ...] = ()) -> list[str]:
        """Ids of runs, newest first. Those whose record cannot be read are always among them.

        A state is the one last written: of a killed run it may be 'running'.
        """
        wanted = ["template = ?"] if template else []
        wanted += [f"state IN ({', '.join('?' * len(states))})"] if states else []
        condition = f"WHERE ({' AND '.join(wanted)}) OR state = '{UNREADABLE}'" if wanted else ""
        given = [*([template] if template else []), *(s.value for s in states)]
        with self.file.open(write=False) as db:
            self.file.compare_names(db)
            return [row[0] for row in db.execute(f"SELECT run_id FROM runs {condition} ORDER BY run_id DESC", given)]

    def accept(self, record: RunRecord, call_key: str) -> bool:
        """Is this finished run the accepted result of its key and generation? The first one is, for ever.

        A holder that died before it could write its record has accepted nothing: its place is taken.
        """
        with self.file.open() as db, transaction(db):
            key = (record.run_key, record.generation)
            row = db.execute("SELECT run_id FROM accepted WHERE run_key = ? AND generation = ?", key).fetchone()
            mine = row is None or row[0] == record.run_id or self._accepted_nothing(row[0])
            if mine:
                db.execute("INSERT OR REPLACE INTO accepted VALUES (?, ?, ?)", (*key, record.run_id))
            index(db, record.model_copy(update={"accepted": mine}), call_key)
        return mine

    def _accepted_nothing(self, run_id: str) -> bool:
        try:
            holder = look(self.project.runs / run_id)
        except UserError:
            return True  # its folder was removed, or its record is no more
        return holder.state.ended and not holder.accepted

    # -- sweeps --------------------------------------------------------------------------------------------------------

    def claim(self, sweep: str, position: int) -> bool:
        """Take one position, for this process alone. A claim is taken over when its owner is known to be gone, or belongs
        to another host and its lease has run out; setting the clock cannot make a living owner lose it."""
        with self.file.open() as db, transaction(db):
            place = (sweep, position)
            row = db.execute("SELECT owner, lease_until FROM claims WHERE sweep = ? AND position = ?", place).fetchone()
            if row is not None and not _is_free(Process.model_validate_json(row[0]), row[1]):
                return False
            running = "SELECT run_id FROM runs WHERE sweep = ? AND position = ? AND state IN ('queued', 'running')"
            if any(self._still_runs(run_id) for (run_id,) in db.execute(running, place).fetchall()):
                return False  # its driver is gone, or the ledger was lost, but the run goes on
            self._hold(db, sweep, [position])
        return True

    def _still_runs(self, run_id: str) -> bool:
        try:
            return not look(self.project.runs / run_id).state.ended
        except UserError:
            return False

    def beat(self, sweep: str, positions: list[int]) -> None:
        """Say that this process still works on these; written anew where the ledger was lost."""
        with self.file.open() as db, transaction(db):
            self._hold(db, sweep, positions)

    def _hold(self, db: sqlite3.Connection, sweep: str, positions: list[int]) -> None:
        owner, until = this_process().model_dump_json(), time.time() + LEASE_S
        db.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?)", [(sweep, p, owner, until) for p in positions])

    def release(self, sweep: str, position: int) -> None:
        """Give a claim back."""
        with self.file.open() as db:
            db.execute("DELETE FROM claims WHERE sweep = ? AND position = ?", (sweep, position))

    def places(self, sweep: str) -> Iterator[Place]:
        """The positions of a sweep that have runs, by position: an accepted run counts before the latest attempt."""
        query = """
            SELECT position, state, run_id, n FROM (
                SELECT position, state, run_id, count(*) OVER (PARTITION BY position) AS n, row_number() OVER (
                    PARTITION BY position ORDER BY state = 'done' DESC, attempt DESC, run_id DESC) AS rank
                FROM runs WHERE sweep = ?)
            WHERE rank = 1 ORDER BY position"""
        with self.file.open(write=False) as db:
            rows = db.execute(query, (sweep,)).fetchall()
        for position, state, run_id, attempts in rows:
            yield Place(position, State(state), run_id, attempts)

    def reconcile(self) -> list[RunRecord]:
        """Bring the index in line with the folders: folders removed or copied in by hand, runs whose process is gone.

        Returns the runs that were found to be lost.
        """
        with self.file.open() as db:
            self.file.compare_names(db)
            open_ids = [r[0] for r in db.execute("SELECT run_id FROM runs WHERE state IN ('queued', 'running')")]
        lost = []
        for run_id in open_ids:
            try:
                record = look(self.project.runs / run_id)
            except UserError:
                continue
            if record.state.ended:
                self.note(record)
            if record.state is State.LOST:
                lost.append(record)
        return lost


def _is_free(owner: Process, lease_until: float) -> bool:
    alive = is_alive(owner)
    return time.time() > lease_until if alive is None else not alive
