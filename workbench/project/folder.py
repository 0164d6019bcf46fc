"""The project: one folder on disk, the person who acts, and the clock.

Found by `--project`, else the variable WORKBENCH_PROJECT, else by walking up from the current folder to workbench.toml.
People write TOML and YAML in it; the machine writes JSON below `.workbench/`.
"""

from __future__ import annotations

import os
import pwd
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.audit import AuditLog
from workbench.errors import BadInput, UnknownName, unknown
from workbench.records.base import Record, first_error
from workbench.records.files import cannot_read, given_path

MARK = "workbench.toml"

R = TypeVar("R", bound=Record)
Event = Mapping[str, Any]


class ProjectConfig(BaseModel):
    """workbench.toml. Unknown keys are refused: a misspelt one would otherwise silently do nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    owner: str = ""
    notice: str = ""  # printed with every pipeline and report: where the data comes from, what it may be used for
    strict_parameters: bool = True
    tracking_uri: str = ""  # empty: MLflow on SQLite in this project
    mirror: str = ""  # fsspec URL to which run folders are copied


def _silent(_event: Event) -> None:
    """Nobody is watching."""


def system_user() -> str:
    """The operating system's name for this user: roles hang on it, so no variable may change it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


@dataclass(frozen=True)
class Project:
    """A project in use. `listener` is told of every event of a run while a verb waits for it."""

    root: Path
    config: ProjectConfig
    actor: str = field(default_factory=system_user)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    listener: Callable[[Event], None] = field(default=_silent)

    @property
    def state(self) -> Path:
        """Where the machine writes."""
        return self.root / ".workbench"

    @property
    def runs(self) -> Path:
        return self.state / "runs"

    @property
    def models(self) -> Path:
        return self.state / "models"

    @property
    def today(self) -> date:
        return self.clock().date()

    @property
    def audit(self) -> AuditLog:
        return AuditLog(self.state / "audit.jsonl", actor=self.actor, clock=self.clock)

    def folder(self, kind: type[Record]) -> Path:
        """Where records of a class lie: one folder a kind."""
        return self.state / f"{kind.kind}s"

    def save(self, record: R, name: str) -> R:
        """Write a record under `name` in its kind's folder."""
        record.write(self.folder(type(record)) / f"{name}.json")
        return record

    def read(self, kind: type[R], name: str | None = None) -> R:
        """Read a record by name, or the newest of its kind (names begin with their time). Raises UnknownName."""
        folder = self.folder(kind)
        names = sorted(path.stem for path in folder.glob("*.json"))
        if name is None and names:
            name = names[-1]
        if name not in names:
            raise unknown(kind.kind, name or "", names)
        return kind.load(folder / f"{name}.json")


def find(start: Path | None = None, *, explicit: str | Path | None = None) -> Project:
    """The project in use. explicit: a folder named by the person; start: where to walk up from (default: here).

    Raises UnknownName when there is none, BadInput when its workbench.toml cannot be used.
    """
    named = explicit or os.environ.get("WORKBENCH_PROJECT")
    if named:
        root = given_path(named).resolve()
        if not (root / MARK).is_file():
            raise UnknownName(
                f"no project in {root}", why=f"there is no {MARK}", fix=f"workbench init {shlex.quote(str(named))}"
            )
        return open_project(root)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / MARK).is_file():
            return open_project(folder)
    raise UnknownName(
        f"no project at {here}",
        why=f"no {MARK} here or in a folder above",
        fix="workbench init my && cd my, or name one: workbench --project DIR …",
    )


def open_project(root: Path) -> Project:
    """The project in `root`, whose workbench.toml must be there and right."""
    return Project(root=root, config=read_toml(root / MARK, ProjectConfig))


M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path, model: type[M]) -> M:
    """A TOML file that a person wrote, as a model. Raises BadInput with the place, for a syntax error or a wrong key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return model.model_validate(data)
    except OSError as error:
        raise cannot_read(path, error) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{path.name} is not valid TOML", why=str(error), fix=f"mend {path}") from error
    except ValidationError as error:
        why = first_error(error).replace("Extra inputs are not permitted", "this key is not known")
        raise BadInput(f"{path.name} cannot be used", why=why, fix=f"mend {path}") from error
