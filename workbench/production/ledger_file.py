"""The ledger's file: opened anew for every operation, built anew from the run folders when it is missing or broken.

Opening takes 0.3 ms; a file that was removed under a running process is so noticed at the next operation.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from workbench.errors import MachineError, UnknownName, UserError
from workbench.production.call_key import recorded_call_key
from workbench.project import Project
from workbench.records.files import cannot_write
from workbench.records.run import RunRecord

ROOM_BYTES = 1 << 16  # that SQLite needs for its log
BUSY_S = 30.0  # how long an operation waits for those of other processes
UNREADABLE = "unreadable"  # the state of a run whose record cannot be read
_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, template TEXT, state TEXT, call_key TEXT, run_key TEXT, generation INTEGER,
    accepted INTEGER, sweep TEXT, position INTEGER, attempt INTEGER);
CREATE INDEX by_call ON runs (call_key);
CREATE INDEX by_end ON runs (substr(run_id, -8));
CREATE INDEX by_sweep ON runs (sweep, position);
CREATE TABLE accepted (run_key TEXT, generation INTEGER, run_id TEXT, PRIMARY KEY (run_key, generation));
CREATE TABLE claims (
    sweep TEXT, position INTEGER, owner TEXT, lease_until REAL, PRIMARY KEY (sweep, position));
"""


class LedgerFile:
    """SQLite in WAL mode. Raises MachineError when the disk is full or read-only."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.path = project.state / "ledger.db"

    @contextlib.contextmanager
    def open(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection to a ledger that is whole; one that is missing, of another version or no database is built anew.

        write: False for a look-up, which works on a full disk and in a project that one may only read, too.
        """
        try:
            with contextlib.closing(self._whole(write)) as db:
                yield db
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _whole(self, write: bool) -> sqlite3.Connection:
        if not write and not self._can_write():
            db = self._connect(Path(":memory:"))
            self._fill(db)
            return db
        if not self.path.exists():
            with self._lock():
                if not self.path.exists():
                    self._build()
        db = self._connect(self.path)
        if not _is_whole(db):
            db.close()
            self.rebuild()
            db = self._connect(self.path)
        return db

    def _can_write(self) -> bool:
        place = self.project.state
        effective = os.access in os.supports_effective_ids
        may = os.access(place, os.W_OK, effective_ids=effective)
        return not place.exists() or (may and shutil.disk_usage(place).free >= ROOM_BYTES)

    def _connect(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)

    def _lock(self) -> FileLock:
        self.project.state.mkdir(parents=True, exist_ok=True)
        return FileLock(self.project.state / "ledger.lock")

    def _build(self) -> int:
        """Write a new file beside and rename it, so that nobody sees half of it."""
        beside = self.path.with_name(f".ledger.{os.getpid()}.tmp")
        beside.unlink(missing_ok=True)
        with contextlib.closing(self._connect(beside)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            count = self._fill(db)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for rest in ("-wal", "-shm"):
            self.path.with_name(self.path.name + rest).unlink(missing_ok=True)
        beside.replace(self.path)
        return count

    def _fill(self, db: sqlite3.Connection) -> int:
        db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
        with transaction(db):
            names = sorted(self._names())  # of two that say they are accepted, the older one is
            for run_id in names:
                self._index_folder(db, run_id)
        return len(names)

    def _names(self) -> list[str]:
        try:
            return [entry.name for entry in os.scandir(self.project.runs) if not entry.name.startswith(".")]
        except FileNotFoundError:
            return []

    def compare_names(self, db: sqlite3.Connection) -> None:
        """Folders that came or went by hand. Only names are compared: a run notes its own changes."""
        there = set(self._names())
        known = {row[0] for row in db.execute("SELECT run_id FROM runs")}
        for run_id in sorted(there - known):
            self._index_folder(db, run_id)
        for run_id in known - there:
            db.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
            db.execute("DELETE FROM accepted WHERE run_id = ?", (run_id,))

    def _index_folder(self, db: sqlite3.Connection, run_id: str) -> None:
        """One that cannot be read is listed too, so that whoever lists the runs can say so; one without a record is no run."""
        try:
            record = RunRecord.load(self.project.runs / run_id / "record.json")
        except UnknownName:
            return
        except UserError:
            db.execute("INSERT OR IGNORE INTO runs (run_id, state) VALUES (?, ?)", (run_id, UNREADABLE))
            return
        index(db, record, recorded_call_key(record))
        if record.accepted:
            row = (record.run_key, record.generation, record.run_id)
            db.execute("INSERT OR IGNORE INTO accepted VALUES (?, ?, ?)", row)

    def rebuild(self) -> int:
        """Build the ledger anew from the run folders; returns how many runs there are."""
        with self._lock():
            return self._build()


def _is_whole(db: sqlite3.Connection) -> bool:
    """Is it a ledger of this version? Raises OperationalError when that cannot be told (locked, disk full)."""
    try:
        db.execute("PRAGMA synchronous = NORMAL")  # a lost last commit is found again in the folders
        return bool(db.execute("PRAGMA user_version").fetchone()[0] == _VERSION)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, alone among writers."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def index(db: sqlite3.Connection, record: RunRecord, call_key: str | None) -> None:
    """Write what the ledger knows of a run. A field that is None keeps what is known."""
    row = {
        "run_id": record.run_id,
        "template": record.template,
        "state": record.state.value,
        "call_key": call_key,
        "run_key": record.run_key,
        "generation": record.generation,
        "accepted": None if record.accepted is None else int(record.accepted),
        "sweep": record.sweep,
        "position": record.position,
        "attempt": record.attempt,
    }
    names = ", ".join(row)
    db.execute(
        f"INSERT INTO runs ({names}) VALUES ({', '.join(f':{n}' for n in row)}) ON CONFLICT (run_id) DO UPDATE SET "
        + ", ".join(f"{n} = coalesce(excluded.{n}, {n})" for n in row if n != "run_id"),
        row,
    )


def _unusable(path: Path, error: sqlite3.Error) -> MachineError:
    if "full" in str(error) or shutil.disk_usage(path.parent).free < ROOM_BYTES:  # SQLite says "disk I/O error", too
        return cannot_write(path, OSError(errno.ENOSPC, "no space left"))
    if "readonly" in str(error):
        return cannot_write(path, OSError(errno.EACCES, "permission denied"))
    return MachineError(f"cannot use {path}", why=str(error), fix=f"remove {path}: it is built anew from the run folders")
