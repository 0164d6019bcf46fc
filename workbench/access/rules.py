"""policy.toml as people write it: roles, rules, row filters, masks. Unknown keys and words are refused as it is read."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from workbench.errors import UnknownName
from workbench.project import Project, read_toml
from workbench.records.base import sha256_json

Scalar = bool | int | float | datetime | date | str
Op = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "is null", "is not null"]

_TIMES = ("date", "timestamp")
IDS = ("integer", "string")
# mask -> the logical types it can be applied to; none: any
MASKS: dict[str, tuple[str, ...]] = {
    "clear": (),
    "null": (),
    "redact": (),
    "pseudonym": IDS,
    "year": _TIMES,
    "month": _TIMES,
    "day": _TIMES,
    "band": ("integer", "number"),
    "last": IDS,
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowFilter(_Part):
    """Only rows where `column op value`. As in SQL, a row whose column is NULL passes no comparison, `!=` included."""

    column: str
    op: Op
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.op.startswith("is"):
            if self.value is not None:
                raise ValueError(f"'{self.op}' takes no value")
        elif self.op.endswith("in"):
            if not isinstance(self.value, tuple) or not self.value:
                raise ValueError(f"'{self.op}' needs a list with at least one value")
        elif self.value is None or isinstance(self.value, tuple):
            raise ValueError(f"'{self.op}' needs one value")
        if any(isinstance(v, datetime) and v.tzinfo for v in self.values):
            raise ValueError("write the time without a zone, as the data has it")
        return self

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The values it compares with."""
        return self.value if isinstance(self.value, tuple) else () if self.value is None else (self.value,)

    def __str__(self) -> str:
        return f"{self.column} {self.op}" + (
            "" if self.value is None else f" {list(self.values) if 'in' in self.op else self.value}"
        )


class PolicyRule(_Part):
    """One rule. A column may be written `column` or `dataset.column`; `*` stands for every dataset or column.

    effect "deny": takes `columns` (default: all) from everybody with the role, for these datasets and purposes.
    """

    role: str
    datasets: tuple[str, ...]
    purposes: tuple[str, ...]
    effect: Literal["allow", "deny"] = "allow"
    columns: tuple[str, ...] = ("*",)
    deny_columns: tuple[str, ...] = ()
    rows: tuple[RowFilter, ...] = ()
    masks: dict[str, str] = {}

    @field_validator("masks")
    @classmethod
    def _known_masks(cls, masks: dict[str, str]) -> dict[str, str]:
        for column, mask in masks.items():
            kind, _, size = mask.partition(":")
            sized = kind in ("band", "last")
            if kind not in MASKS or sized != bool(re.fullmatch(r"[1-9]\d{0,8}", size)) or (size and not sized):
                raise ValueError(f"the mask '{mask}' of {column} is none of {', '.join(MASKS)} (band:10, last:4)")
        return masks

    @model_validator(mode="after")
    def _deny_is_plain(self) -> Self:
        if self.effect == "deny" and (self.rows or self.masks or self.deny_columns):
            raise ValueError("a rule with effect 'deny' takes columns only")
        return self

    def covers(self, dataset: str, purpose: str) -> bool:
        return (dataset in self.datasets or "*" in self.datasets) and purpose in self.purposes

    def filters(self, dataset: str) -> tuple[RowFilter, ...]:
        """The row filters that concern a dataset, with bare column names."""
        return tuple(
            f.model_copy(update={"column": f.column.rpartition(".")[2]})
            for f in self.rows
            if "." not in f.column or f.column.partition(".")[0] == dataset
        )

    def mask(self, dataset: str, column: str) -> str | None:
        return self.masks.get(f"{dataset}.{column}", self.masks.get(column))


class Policy(_Part):
    """policy.toml as a whole."""

    roles: dict[str, tuple[str, ...]]
    rules: tuple[PolicyRule, ...] = ()

    @model_validator(mode="after")
    def _roles_exist(self) -> Self:
        for number, rule in enumerate(self.rules, start=1):
            if rule.role not in self.roles:
                raise ValueError(f"rule {number} names the role '{rule.role}', which [roles] does not define")
        return self

    @property
    def sha256(self) -> str:
        return sha256_json(self.model_dump(mode="json"))

    def roles_of(self, actor: str) -> tuple[str, ...]:
        return tuple(sorted(role for role, users in self.roles.items() if actor in users))


def load_policy(project: Project) -> Policy:
    """The project's policy.toml. Raises UnknownName when there is none, BadInput when it cannot be used."""
    path = project.root / "policy.toml"
    if not path.is_file():
        raise UnknownName(
            "no policy.toml", why=f"{project.root} has none, so nothing may be read", fix="write one, see the docs"
        )
    return read_toml(path, Policy)
