"""Lint of a template: what would make it fail, or make two runs of it differ, found without running it."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from typing import Any

from workbench.errors import BadInput
from workbench.findings import Finding, Outcome
from workbench.production.notebook import Notebook, source
from workbench.production.parameters import TAG, read_parameters
from workbench.production.templates import LintReport, read
from workbench.project import Project

_HOME = re.compile(r"""["'](/(?:home|Users|root|mnt|tmp)/|[A-Z]:\\)""")
_MAGIC = re.compile(r"^\s*[%!]", re.MULTILINE)


def lint(project: Project, template: str) -> LintReport:
    """Check a template: parameters, order, outputs, seed, sentences, paths."""
    name, notebook = read(project, template)
    findings = [finding for rule in RULES for finding in rule(notebook, name)]
    clean = Finding(check="lint", outcome=Outcome.PASS, message=f"{len(RULES)} rules hold")
    return LintReport(template=name, findings=tuple(findings) or (clean,))


def _finding(rule: str, outcome: Outcome, message: str, fix: str, cell: int | None = None) -> Finding:
    return Finding(
        check=f"lint.{rule}", outcome=outcome, message=message, fix=fix, evidence={} if cell is None else {"cell": cell}
    )


def _code(notebook: Notebook) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((i, cell) for i, cell in enumerate(notebook.cells) if cell["cell_type"] == "code")


def _parameters(notebook: Notebook, name: str) -> Iterator[Finding]:
    try:
        parameters = read_parameters(notebook, name)
    except BadInput as error:
        yield _finding("parameters", Outcome.FAIL, f"{error.what}: {error.why}", error.fix)
        return
    for p in parameters:
        if not p.help:
            yield _finding("help", Outcome.WARN, f"'{p.name}' has no help", f"write a comment behind it: `{p.name}: … # what`")


def _named(notebook: Notebook, _name: str) -> Iterator[Finding]:
    """The kernel evaluates the annotations of the parameters cell: their names must be known by then."""
    for index, cell in _code(notebook):
        if TAG in cell.get("metadata", {}).get("tags", ()):
            before = "\n".join(source(c) for i, c in _code(notebook) if i <= index)
            for name in sorted(_unimported(source(cell), before)):
                message = f"cell {index} annotates with '{name}', which is not imported"
                yield _finding("names", Outcome.FAIL, message, f"import {name} at the top of the cell", index)


def _unimported(cell: str, before: str) -> set[str]:
    try:
        annotations = [node.annotation for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.AnnAssign)]
        imports = [node for node in ast.walk(ast.parse(before)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    except SyntaxError:
        return set()  # the rule for syntax tells it
    known = {alias.asname or alias.name for node in imports for alias in node.names} | set(dir(builtins))
    return {node.id for part in annotations for node in ast.walk(part) if isinstance(node, ast.Name)} - known


def _seeded(notebook: Notebook, _name: str) -> Iterator[Finding]:
    text = "\n".join(source(cell) for _, cell in _code(notebook))
    has_parameter = re.search(r"^seed\s*(:\s*int)?\s*=", text, re.MULTILINE)
    if re.search(r"random|sample\(|shuffle|fit\(", text) and not (has_parameter and "seed_everything(seed)" in text):
        yield _finding(
            "seed",
            Outcome.WARN,
            "it draws random numbers or fits a model, and does not show its seed",
            "add `seed: int = 0` to the parameters and call `production.seed_everything(seed)`",
        )


def _no_outputs(notebook: Notebook, _name: str) -> Iterator[Finding]:
    for index, cell in _code(notebook):
        if cell.get("outputs"):
            yield _finding("outputs", Outcome.WARN, f"cell {index} holds outputs", "clear all outputs and save", index)


def _titled(notebook: Notebook, _name: str) -> Iterator[Finding]:
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first["cell_type"] != "markdown" or not source(first).startswith("# "):
        yield _finding("title", Outcome.WARN, "it has no title", "begin with a text cell: `# Title` and a sentence")


def _explained(notebook: Notebook, _name: str) -> Iterator[Finding]:
    before: dict[str, Any] | None = None
    for index, cell in enumerate(notebook.cells):
        told = before is not None and before["cell_type"] == "markdown"
        if cell["cell_type"] == "code" and not told and TAG not in cell.get("metadata", {}).get("tags", ()):
            yield _finding(
                "sentence", Outcome.WARN, f"cell {index} has no sentence before it", "say in a text cell what it does", index
            )
        before = cell


def _portable(notebook: Notebook, _name: str) -> Iterator[Finding]:
    for index, cell in _code(notebook):
        text = source(cell)
        if _HOME.search(text):
            yield _finding(
                "paths", Outcome.WARN, f"cell {index} names a path of one machine", "make it a parameter: `Path`", index
            )
        if re.search(r"\binput\(", text):
            yield _finding("stdin", Outcome.FAIL, f"cell {index} waits for a person", "make it a parameter", index)
        if "ipywidgets" in text:
            yield _finding("widgets", Outcome.WARN, f"cell {index} uses widgets", "a scheduler cannot click", index)


def _compiles(notebook: Notebook, _name: str) -> Iterator[Finding]:
    for index, cell in _code(notebook):
        text = source(cell)
        if _MAGIC.search(text):
            continue  # only IPython can read it
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield _finding("syntax", Outcome.FAIL, f"cell {index}, line {error.lineno}: {error.msg}", "mend the cell", index)


RULES: tuple[Callable[[Notebook, str], Iterator[Finding]], ...] = (
    _parameters,
    _named,
    _titled,
    _explained,
    _seeded,
    _no_outputs,
    _portable,
    _compiles,
)
