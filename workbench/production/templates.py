"""Template notebooks: found in the project, then in the package, then beside the package (editable install); or by URL."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from pydantic import JsonValue

from workbench.errors import BadInput, unknown
from workbench.findings import Finding
from workbench.production import storage
from workbench.production.notebook import Notebook, parse_notebook, read_notebook
from workbench.production.parameters import Parameter, read_parameters
from workbench.production.validation import json_schema
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import given_path
from workbench.records.view import View


class Template(Record):
    """A template notebook, as a person sees it before running it."""

    kind: ClassVar[str] = "template"

    name: str
    call: str = ""  # how `production run` finds it: its name, or the path or URL that it was asked for by
    path: str
    title: str
    summary: str
    parameters: tuple[tuple[str, str, str, str], ...] = ()  # name, type, default, help with range and unit
    parameter_schema: dict[str, JsonValue] = {}

    def view(self) -> View:
        return View(
            title=f"{self.name}: {self.title}",
            facts=(("what", self.summary), ("file", self.path)),
            columns=("parameter", "type", "default", "help"),
            rows=self.parameters,
            next=(
                f"workbench production run {shlex.quote(self.call or self.name)}"
                + "".join(f" -p {n}=…" for n, _, d, _ in self.parameters if d == "required"),
            ),
        )


class TemplateList(Record):
    """The templates that a project can run."""

    kind: ClassVar[str] = "template_list"

    templates: tuple[Template, ...]

    def view(self) -> View:
        rows = tuple((t.name, t.title, t.summary) for t in self.templates)
        return View(title=f"{len(rows)} templates", columns=("template", "title", "what"), rows=rows)


class LintReport(Record):
    """What is wrong with a template, if anything."""

    kind: ClassVar[str] = "lint"

    template: str
    findings: tuple[Finding, ...]

    def view(self) -> View:
        return View(title=f"lint {self.template}", findings=self.findings)


def packaged(folder: str) -> Path:
    """`templates/` or `notebooks/` as shipped: in the package of a wheel, beside it in a checkout."""
    inside = Path(str(resources.files("workbench"))) / folder
    return inside if inside.is_dir() else inside.parent.parent / folder


def places(project: Project) -> Iterator[Path]:
    """Folders that hold templates, the first one wins."""
    yield project.root / "templates"
    yield packaged("templates")


def paths(project: Project) -> dict[str, Path]:
    """Every template's file by name; the project's own hides a packaged one of the same name."""
    found: dict[str, Path] = {}
    for place in places(project):
        for path in sorted(place.glob("*.ipynb")):
            found.setdefault(path.stem, path)
    return found


def resolve(project: Project, name: str) -> tuple[str, Path | str]:
    """A template's name, and where it is: a file of this machine, or else its URL as text. Reads nothing.

    name: as `templates` lists it, or the path or URL of a notebook. Raises UnknownName, or BadInput for a URL of no use.
    """
    if storage.is_url(name):
        return _by_url(name)
    if name.endswith(".ipynb"):
        path = given_path(name)
        return path.stem, path
    found = paths(project)
    if name not in found:
        raise unknown("template", name, found, fix="workbench production templates")
    return name, found[name]


def _by_url(url: str) -> tuple[str, Path | str]:
    path = storage.local(url, Path())
    stem, dot, suffix = url.partition("?")[0].rpartition("/")[2].rpartition(".")  # `?versionId=…` pins an object's version
    if not (stem and dot and suffix == "ipynb"):
        raise BadInput(f"{url} is no notebook", why="its name does not end in .ipynb", fix="name the notebook's own URL")
    return (stem, url) if path is None else (path.stem, path)


def read(project: Project, name: str) -> tuple[str, Notebook]:
    """A template's name and notebook, whether it takes parameters or not. Raises what `storage.reaching` raises, too."""
    stem, place = resolve(project, name)
    return stem, read_notebook(place) if isinstance(place, Path) else parse_notebook(storage.read(place), place)


def load(project: Project, name: str) -> tuple[str, Notebook, tuple[Parameter, ...]]:
    """A template's name, notebook and parameters. Raises what `read` raises, and BadInput for parameters of no use."""
    stem, notebook = read(project, name)
    return stem, notebook, read_parameters(notebook, stem)


def origin(project: Project, name: str) -> str:
    """Where a template comes from, as a run's record keeps it: a URL, or a path, relative in the project and in the package."""
    place = resolve(project, name)[1]
    if not isinstance(place, Path):
        return place
    place, root, shipped = place.resolve(), project.root.resolve(), packaged("templates").resolve()
    if place.is_relative_to(root):
        return place.relative_to(root).as_posix()
    return f"workbench:templates/{place.name}" if place.parent == shipped else place.as_posix()


def templates(project: Project) -> TemplateList:
    """List the templates of this project and those that come with Workbench."""
    listed = []
    for name in sorted(paths(project)):
        try:
            listed.append(describe(project, name))
        except BadInput as error:  # one broken notebook must not hide the others
            path = str(paths(project)[name])
            listed.append(Template(name=name, path=path, title="cannot be read", summary=error.why))
    return TemplateList(templates=tuple(listed))


def describe(project: Project, name: str) -> Template:
    """A template as a person sees it: what it does and the parameters it takes."""
    stem, notebook, parameters = load(project, name)
    return Template(
        name=stem,
        call=name,
        path=str(resolve(project, name)[1]),
        title=notebook.title or stem,
        summary=notebook.summary,
        parameters=tuple(_row(p) for p in parameters),
        parameter_schema=json_schema(parameters, stem),
    )


def _row(parameter: Parameter) -> tuple[str, str, str, str]:
    bounds = _bounds(parameter.type)
    help_text = " ".join(part for part in (parameter.help, bounds, parameter.unit) if part)
    return parameter.name, parameter.annotation, repr(parameter.default), help_text


def _bounds(kind: Any) -> str:
    from pydantic import TypeAdapter

    schema = TypeAdapter(kind).json_schema()
    if "minimum" not in schema and "maximum" not in schema:
        return ""
    return f"[{schema.get('minimum', '')}..{schema.get('maximum', '')}]"
