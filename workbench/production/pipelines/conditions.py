"""Conditions that open a step: on figures and findings of steps before it. They have a grammar of their own and are never
evaluated as code.

    train.test_wape <= 47                    a figure and a number: < <= > >= == !=
    train.test_wape < train.baseline_wape    two figures
    train.verdict == "model"                 a figure that is a word, or true or false: == and != only
    train has no fail                        no finding of the step fails, or broke while it was looked at
    train has no warn                        nor warns
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.errors import BadInput, unknown
from workbench.findings import Finding, Outcome, blocking
from workbench.records.run import Figure

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_SPLIT = re.compile(r"([^<>=!]+)([<>=!]+)(.+)", re.DOTALL)
_CLEAN = re.compile(r"(.+?)\s+has\s+no\s+(\S+)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d[\d_]*)(\.\d+)?([eE][+-]?\d+)?")
_WORD = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_LEVELS = {"fail": Outcome.ERROR, "warn": Outcome.WARN}  # a check that broke has not passed


class StepResult(NamedTuple):
    """What a step has given that conditions may ask for."""

    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]


class Verdict(NamedTuple):
    """Does a condition hold, and the values that decide it, for a person."""

    holds: bool
    said: str


@dataclass(frozen=True)
class FigureOf:
    """A figure of a step."""

    step: str
    name: str

    def find(self, results: Mapping[str, StepResult]) -> Figure:
        """Raises UnknownName: a figure that is misspelt must not close a gate for ever in silence."""
        figures = {figure.name: figure for figure in results[self.step].figures}
        if self.name not in figures:
            raise unknown(f"figure of step '{self.step}'", self.name, figures, fix="mend the condition")
        return figures[self.name]

    def said(self, results: Mapping[str, StepResult]) -> str:
        return f"{self.step}.{self.name} is {self.find(results).shown()}"


@dataclass(frozen=True)
class Comparison:
    """`step.figure < number`, and the like."""

    text: str
    left: FigureOf
    operator: str
    right: FigureOf | float | str | bool

    @property
    def steps(self) -> frozenset[str]:
        return frozenset(side.step for side in (self.left, self.right) if isinstance(side, FigureOf))

    def judge(self, results: Mapping[str, StepResult]) -> Verdict:
        """results: by step, of all `steps`. Raises UnknownName or BadInput for what cannot be compared.

        A figure that is not a number (it has no value) makes no condition true, `!=` neither.
        """
        sides = [side for side in (self.left, self.right) if isinstance(side, FigureOf)]
        said = ", ".join(side.said(results) for side in sides)
        left = self.left.find(results).value
        right = self.right.find(results).value if isinstance(self.right, FigureOf) else self.right
        if left is None or right is None or _is_nan(left) or _is_nan(right):
            return Verdict(holds=False, said=said)
        if _kind(left) != _kind(right) or (_kind(left) != "number" and self.operator not in ("==", "!=")):
            raise BadInput(
                f"the condition '{self.text}' compares nothing",
                why=f"{said}; a {_kind(left)} {self.operator} a {_kind(right)} says nothing",
                fix="numbers have an order; words, true and false can be equal",
            )
        return Verdict(holds=_OPERATORS[self.operator](left, right), said=said)


@dataclass(frozen=True)
class Clean:
    """`step has no fail`, `step has no warn`."""

    text: str
    step: str
    least: Outcome

    @property
    def steps(self) -> frozenset[str]:
        return frozenset((self.step,))

    def judge(self, results: Mapping[str, StepResult]) -> Verdict:
        """results: by step, of all `steps`."""
        findings = results[self.step].findings
        found, seen = blocking(findings, fail_on=self.least), f"{len(findings)} findings"
        told = "; ".join(f"{f.check}: {f.message}" for f in found[:3]) + (
            f"; and {len(found) - 3} more" if len(found) > 3 else ""
        )
        return Verdict(holds=not found, said=f"{self.step} has {told}" if found else f"none of its {seen} does")


Condition = Comparison | Clean


def read_condition(text: str) -> Condition:
    """A condition as it is written in a pipeline. Raises BadInput; whether its steps are there is the plan's to judge."""
    if clean := _CLEAN.fullmatch(text.strip()):
        step, level = clean.groups()
        if level not in _LEVELS:
            raise _unreadable(text, f"'{level}' is no kind of finding that a step may be free of")
        return Clean(text=text, step=step, least=_LEVELS[level])
    parts = _SPLIT.fullmatch(text)
    if parts is None:
        raise _unreadable(text, "it compares nothing")
    left, sign, right = (part.strip() for part in parts.groups())
    if sign not in _OPERATORS:
        raise _unreadable(text, f"'{sign}' is no comparison; there are {' '.join(_OPERATORS)}")
    value = _value(text, right)
    if isinstance(value, (str, bool)) and sign not in ("==", "!="):
        raise _unreadable(text, f"{right} has no order")
    return Comparison(text=text, left=_figure(text, left), operator=sign, right=value)


def _value(text: str, written: str) -> FigureOf | float | str | bool:
    if _NUMBER.fullmatch(written):
        return float(written)
    if written in ("true", "false"):
        return written == "true"
    if word := _WORD.fullmatch(written):
        return word[1] if word[1] is not None else word[2]
    return _figure(text, written)


def _figure(text: str, written: str) -> FigureOf:
    step, dot, name = written.partition(".")
    if not (step and dot and name) or set(written) & set("<>=!"):
        raise _unreadable(text, f"'{written}' names no figure of a step")
    return FigureOf(step=step, name=name)


def _unreadable(text: str, why: str) -> BadInput:
    fix = 'write `step.figure <= 47`, `step.one < step.other`, `step.figure == "word"` or `step has no fail`'
    return BadInput(f"the condition '{text}' cannot be read", why=why, fix=fix)


def _kind(value: float | str | bool) -> str:
    return "truth" if isinstance(value, bool) else "word" if isinstance(value, str) else "number"


def _is_nan(value: float | str | bool) -> bool:
    return isinstance(value, float) and math.isnan(value)
