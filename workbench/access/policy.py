"""The policy: who may read what, for which purpose, and how it is masked. `decide` is a pure function of it.

How a decision comes about, the first that applies:

1. The contract is a draft, or a column that was asked for is not in it: refused.
2. The actor has no role, or no allowing rule of his roles names this dataset and purpose: refused (default deny).
3. A denying rule, or `deny_columns` of any rule that matches, takes columns away from every rule (deny beats allow).
4. The first allowing rule, in the order of the file, that grants all the columns asked for decides alone: its rows, its
   masks. Two rules are never mixed, so that one line of the file explains what was handed over.

Public, internal and confidential columns are handed over as the rule says; the three words tell people apart what they
see. A *restricted* column (it points at a person) is never handed over as it is by accident: the mask "clear" says so;
any other mask masks it; without a mask a key or an entity's id becomes a pseudonym, and any other restricted column is left
out (asked for by name: refused). An unclassified column is refused until somebody classifies it.

No function lets a caller name his role: roles hang on `project.actor`.
"""

from __future__ import annotations

from datetime import date, datetime
from difflib import get_close_matches
from typing import ClassVar, Literal

from workbench.access.contract import Column, Contract
from workbench.access.rules import IDS, MASKS, Policy, PolicyRule, RowFilter
from workbench.records.base import Record
from workbench.records.view import View

# logical type -> the Python types of a TOML value that it can be compared with
_COMPARABLE: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "date": (date,),
    "timestamp": (datetime, date),
}


class Decision(Record):
    """What somebody gets of a dataset, or why not."""

    kind: ClassVar[str] = "decision"

    allowed: bool
    dataset: str
    contract_version: str
    actor: str
    purpose: str
    roles: tuple[str, ...]
    reason: str
    fix: str = ""
    columns: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()  # left out: denied, not granted, or restricted without a mask (nobody named them)
    rows: tuple[RowFilter, ...] = ()
    masks: dict[str, str] = {}
    policy_sha256: str
    enforcement: Literal["advisory"] = "advisory"

    def view(self) -> View:
        rows = tuple((name, self.masks.get(name, "as it is")) for name in self.columns)
        facts = (
            ("decision", "allowed" if self.allowed else "refused"),
            ("reason", self.reason),
            ("roles of " + self.actor, ", ".join(self.roles) or "none"),
            ("rows", "; ".join(str(f) for f in self.rows) or ("all" if self.allowed else "none")),
            ("left out", ", ".join(self.withheld)),
            ("enforcement", "advisory: inside a kernel this is evidence, not a wall"),
        )
        return View(
            title=f"{self.dataset} for {self.purpose}",
            facts=tuple((k, v) for k, v in facts if v),
            columns=("column", "handed over"),
            rows=rows,
            next=(self.fix,) if self.fix else (),
        )


def decide(policy: Policy, contract: Contract, actor: str, purpose: str, columns: tuple[str, ...] | None = None) -> Decision:
    """What `actor` gets of a dataset for a purpose. Pure: same input, same decision.

    columns: those asked for, in order; None: all that are granted.
    """
    roles = policy.roles_of(actor)
    decision = Decision(
        allowed=False,
        dataset=contract.name,
        contract_version=contract.version,
        actor=actor,
        purpose=purpose,
        roles=roles,
        reason="",
        policy_sha256=policy.sha256,
    )
    refusal = _not_readable(contract, columns) or _no_rule(policy, contract, roles, actor, purpose)
    if refusal:
        return _refused(decision, *refusal)
    matching = {n: r for n, r in enumerate(policy.rules, start=1) if r.role in roles and r.covers(contract.name, purpose)}
    denied = _denied(matching, contract)
    answers = [_grant(decision, n, r, contract, denied, columns) for n, r in matching.items() if r.effect == "allow"]
    return next((answer for answer in answers if answer.allowed), answers[0])


def _refused(decision: Decision, reason: str, fix: str) -> Decision:
    return decision.model_copy(update={"reason": reason, "fix": fix})


def _not_readable(contract: Contract, columns: tuple[str, ...] | None) -> tuple[str, str] | None:
    """Why nobody may read this yet, and the fix."""
    if contract.status != "active":
        return f"its contract is {contract.status}: nobody has confirmed it", f"workbench access confirm {contract.name}"
    if columns is None:
        return None
    listed = [c.name for c in contract.columns]
    lost = [name for name in columns if name not in listed]
    if not columns or lost:
        near = get_close_matches(lost[0], listed, n=1) if lost else []
        why = f"its contract lists no column '{lost[0]}'" if lost else "no column was asked for"
        return why + (f"; did you mean '{near[0]}'?" if near else ""), f"workbench access show {contract.name}"
    return None


def _no_rule(policy: Policy, contract: Contract, roles: tuple[str, ...], actor: str, purpose: str) -> tuple[str, str] | None:
    """Why no rule allows it, and the fix."""
    ask = f"ask the policy's owner for a rule in policy.toml: dataset {contract.name}, purpose {purpose}"
    if not roles:
        return f"'{actor}' has no role", f"ask the policy's owner to add '{actor}' to a role in policy.toml"
    mine = [r for r in policy.rules if r.role in roles and r.effect == "allow"]
    if any(r.covers(contract.name, purpose) for r in mine):
        return None
    granted = sorted({p for r in mine for p in r.purposes if r.covers(contract.name, p)})
    if granted:
        return f"{'/'.join(roles)} may read it for {', '.join(granted)} only", ask
    return f"no rule grants it to {'/'.join(roles)}", ask


def _denied(matching: dict[int, PolicyRule], contract: Contract) -> dict[str, int]:
    """Column -> the number of a matching rule that takes it away."""
    lists = {n: r.columns if r.effect == "deny" else r.deny_columns for n, r in matching.items()}
    return {c.name: n for c in contract.columns for n, names in lists.items() if _named(names, contract.name, c.name)}


def _named(names: tuple[str, ...], dataset: str, column: str) -> bool:
    return bool({"*", column, f"{dataset}.{column}"} & set(names))


def _grant(
    decision: Decision,
    number: int,
    rule: PolicyRule,
    contract: Contract,
    denied: dict[str, int],
    asked: tuple[str, ...] | None,
) -> Decision:
    """What one allowing rule gives of the columns asked for. A column that is left out when nobody named it is a refusal
    when somebody did."""
    listed = {c.name: c for c in contract.columns}
    masks: dict[str, str] = {}
    withheld: dict[str, str] = {}  # column -> why
    for name in listed if asked is None else dict.fromkeys(asked):
        column = listed[name]
        if name in denied:
            withheld[name] = f"rule {denied[name]} denies '{name}' for {decision.purpose}"
        elif not _named(rule.columns, contract.name, name):
            withheld[name] = f"rule {number} does not grant '{name}'"
        elif column.classification is None:
            edit = f"give it a classification in contracts/{contract.name}.odcs.yaml"
            return _refused(decision, f"column '{name}' is not classified", edit)
        elif not (mask := rule.mask(contract.name, name) or _default_mask(column)):
            withheld[name] = f"column '{name}' is restricted, and rule {number} has no mask for it"
        else:
            masks[name] = mask
    filters = rule.filters(contract.name)
    unfit = [name for name, mask in masks.items() if not _mask_fits(mask, listed[name])]
    problems = [f"the mask '{masks[name]}' does not fit '{name}' ({listed[name].logical})" for name in unfit]
    problems += [why for f in filters if (why := _unfit(f, contract))]
    if problems:
        return _refused(decision, f"rule {number}: {problems[0]}", "mend policy.toml")
    if withheld and (asked is not None or not masks):
        ask = f"ask the policy's owner for a rule in policy.toml: dataset {contract.name}, purpose {decision.purpose}"
        return _refused(decision, next(iter(withheld.values())), ask)
    return decision.model_copy(
        update={
            "allowed": True,
            "reason": f"rule {number}: {rule.role} may read it for {decision.purpose}",
            "columns": tuple(masks),
            "withheld": tuple(withheld),
            "rows": filters,
            "masks": {name: mask for name, mask in masks.items() if mask != "clear"},
        }
    )


def _default_mask(column: Column) -> str:
    """The mask of a column that the rule has none for; empty: it is not handed over."""
    if column.classification != "restricted":
        return "clear"
    return "pseudonym" if (column.key or column.entity) and column.logical in IDS else ""


def _mask_fits(mask: str, column: Column) -> bool:
    types = MASKS[mask.partition(":")[0]]
    return not types or column.logical in types


def _unfit(f: RowFilter, contract: Contract) -> str:
    """Why a row filter cannot be applied to a dataset; empty when it can. A filter that cannot be applied refuses all."""
    column = contract.column(f.column)
    if column is None:
        return f"its row filter needs the column '{f.column}', which '{contract.name}' does not have"
    types = _COMPARABLE.get(column.logical, ())
    wrong = [v for v in f.values if not isinstance(v, types) or (isinstance(v, bool) and column.logical != "boolean")]
    wrong += [v for v in f.values if column.logical == "date" and isinstance(v, datetime)]
    return f"its row filter compares '{f.column}' ({column.logical}) with {wrong[0]!r}" if wrong else ""
