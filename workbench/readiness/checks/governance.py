"""Are the rules in force: a contract for each dataset, a policy that refuses somebody, an audit log that holds."""

from __future__ import annotations

from typing import ClassVar

import yaml

from workbench.access.rules import PolicyRule, load_policy
from workbench.errors import UserError
from workbench.findings import Outcome
from workbench.project import Project
from workbench.readiness.interface import CRITICAL, HIGH, Check, Measurement
from workbench.records.scorecard import Level, Pillar


class Contracts(Check):
    """Every registered dataset has a contract that its owner has put in force. What the data hold is checked by `access`."""

    id: ClassVar[str] = "data.contracts"
    title: ClassVar[str] = "data contracts in force"
    pillar: ClassVar[Pillar] = Pillar.DATA
    category: ClassVar[str] = "data management"
    weight: ClassVar[float] = CRITICAL
    source: ClassVar[str] = "ML Test Score, Data 1; Open Data Contract Standard, status"

    def run(self, project: Project) -> Measurement:
        files = sorted((project.root / "contracts").glob("*.odcs.yaml"))
        if not files:
            return Measurement(level=Level.NOT_APPLICABLE, reason="no dataset is registered")
        stands = {path.name.removesuffix(".odcs.yaml"): _status(path.read_bytes()) for path in files}
        open_ = {name: status for name, status in stands.items() if status != "active"}
        if not open_:
            return Measurement(level=Level.READY, value=len(files), reason=f"{len(files)} of {len(files)} active")
        listed = ", ".join(f"{name}: {status}" for name, status in list(open_.items())[:5])
        more = f" and {len(open_) - 5} more" if len(open_) > 5 else ""
        return Measurement(
            level=Level.MUST_FIX if len(open_) == len(files) else Level.IMPROVE,
            value=len(files) - len(open_),
            reason=f"{len(files) - len(open_)} of {len(files)} active; {listed}{more}",
            fix="read each contract with its owner, then set `status: active` in its file",
        )


def _status(raw: bytes) -> str:
    try:
        document = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError):
        return "not readable"
    status = document.get("status") if isinstance(document, dict) else None
    return str(status or "no status")


class Policy(Check):
    """A policy that lets everybody read everything is none."""

    id: ClassVar[str] = "security.policy"
    title: ClassVar[str] = "access policy refuses somebody"
    pillar: ClassVar[Pillar] = Pillar.SECURITY
    category: ClassVar[str] = "security"
    weight: ClassVar[float] = CRITICAL
    blocker: ClassVar[bool] = True
    source: ClassVar[str] = "binary: no rule gives everything to everyone"

    def run(self, project: Project) -> Measurement:
        try:
            policy = load_policy(project)
        except UserError as error:
            return Measurement(level=Level.MUST_FIX, reason=f"{error.what}: {error.why}", fix=error.fix)
        people = {user for users in policy.roles.values() for user in users}
        for rule in policy.rules:
            holders = set(policy.roles[rule.role])
            if _everything(rule) and ("*" in holders or (len(people) > 1 and holders == people)):
                return Measurement(
                    level=Level.MUST_FIX,
                    reason=f"the role '{rule.role}' gives every dataset and column, unmasked, to everyone",
                    fix="name people in [roles], and in [[rules]] the datasets, columns and masks that they need",
                )
        reason = f"{len(policy.rules)} rule(s) for {len(people)} named user(s); no role gives everything to everyone"
        return Measurement(level=Level.READY, value=len(policy.rules), reason=reason)


def _everything(rule: PolicyRule) -> bool:
    """Does it allow every column of every dataset, and hold back nothing? Restricted columns stay masked all the same."""
    masked = any(mask != "clear" for mask in rule.masks.values())
    whole = "*" in rule.datasets and "*" in rule.columns and not (rule.deny_columns or rule.rows)
    return rule.effect == "allow" and whole and not masked


class AuditChain(Check):
    """Does the log exist, and does every line still follow from the one before?"""

    id: ClassVar[str] = "security.audit"
    title: ClassVar[str] = "audit log exists and its chain holds"
    pillar: ClassVar[Pillar] = Pillar.SECURITY
    category: ClassVar[str] = "security"
    weight: ClassVar[float] = HIGH
    source: ClassVar[str] = "binary: the hash chain verifies"

    def run(self, project: Project) -> Measurement:
        if not project.audit.path.exists():
            reason = "nothing has been audited here"
            return Measurement(
                level=Level.MUST_FIX, reason=reason, fix="make the project with workbench init, or restore the log"
            )
        found = project.audit.verify()
        broken = [f for f in found if f.outcome is Outcome.FAIL]
        if broken:
            reason = f"the chain breaks {len(broken)} times, first at {broken[0].message}"
            return Measurement(level=Level.MUST_FIX, value=len(broken), reason=reason, fix=broken[0].fix)
        torn = [f for f in found if f.outcome is Outcome.WARN]
        if torn:
            fix = "the next audited act ends and explains it; if it stays, compare the file with your backup"
            return Measurement(level=Level.IMPROVE, value=len(torn), reason=torn[0].message, fix=fix)
        return Measurement(level=Level.READY, reason="; ".join(f.message for f in found))


CHECKS: tuple[Check, ...] = (Contracts(), Policy(), AuditChain())
