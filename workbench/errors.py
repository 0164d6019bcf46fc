"""Every error a person can meet: a short letter of three lines, what happened, why, and what to do.

WorkbenchError           exit code 3: a run or the machine failed
├── MachineError         disk full, read-only folder, process gone
├── RunFailed            a run ended in failure; its record says where
├── ParityFailed         exit code 1: an exported model does not predict what the original predicts
└── UserError            exit code 2: the request cannot be carried out as it stands
    ├── UnknownName      a name that is not there; lists the nearest ones
    ├── BadInput         a value, file or notebook that does not have the form it must have
    ├── NotAllowed       the policy says no
    ├── NotExportable    a model that has no form, or no right one, in the target format
    └── MissingExtra     a package that this verb needs and the base install leaves out

Every face prints the same three lines (`str(error)`); the server sends `error.letter()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class WorkbenchError(Exception):
    """What happened, why, and how to mend it.

    what: one line, no full stop, names the thing in the user's words.
    why: the reason, with the figures or the place that show it.
    fix: the command or edit to do next.
    """

    exit_code = 3

    def __init__(self, what: str, *, why: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return f"{self.what}\n  why: {self.why}\n  fix: {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.why, self.fix)

    def letter(self) -> dict[str, str]:
        """The three lines as a JSON object."""
        return {"what": self.what, "why": self.why, "fix": self.fix}

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: in a notebook a user's mistake shows its letter, not our stack."""
        return [f"{type(self).__name__}: {self.what}", f"  why: {self.why}", f"  fix: {self.fix}"]


def _rebuild(cls: type[WorkbenchError], what: str, why: str, fix: str) -> WorkbenchError:
    return cls(what, why=why, fix=fix)


class MachineError(WorkbenchError):
    """The disk, the permissions or a process did not do its part."""


class RunFailed(WorkbenchError):
    """A run ended in failure; the letter names the failing cell."""


class ParityFailed(WorkbenchError):
    """An exported model does not predict what the original predicts; nothing was registered."""

    exit_code = 1


class UserError(WorkbenchError):
    """The request cannot be carried out as it stands."""

    exit_code = 2


class UnknownName(UserError):
    """A name that is not there."""


class BadInput(UserError):
    """A value, file or notebook that does not have the form it must have."""


class NotAllowed(UserError):
    """The policy does not allow it."""


class NotExportable(UserError):
    """A model that has no form, or no right one, in the target format."""


class MissingExtra(UserError):
    """A package that this verb needs is not installed."""


def unknown(kind: str, name: str, known: Iterable[str], *, fix: str = "") -> UnknownName:
    """The error for a name that is not among `known`: names the nearest ones, and what there is."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        hint = "did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    elif names:
        hint = "there is " + ", ".join(f"'{n}'" for n in names[:12]) + (" …" if len(names) > 12 else "")
    else:
        hint = f"there is no {kind} yet"
    return UnknownName(f"no {kind} named '{name}'", why=hint, fix=fix or f"use the name of an existing {kind}")
