"""Run one check so that nothing it does can stop the assessment.

Each check has a thread of its own and 5 seconds. Python cannot stop a thread: one that hangs (a dead network mount) is
left behind as a daemon, which does not keep the process alive, and the result says so. A check that holds the interpreter
lock for all of its time cannot be timed out this way; ours do not.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue

from workbench import plugins
from workbench.errors import BadInput
from workbench.project import Project
from workbench.readiness.curve import STEPS, level
from workbench.readiness.interface import GROUP, LOW, Check, Measurement
from workbench.records.scorecard import HOUSE, CheckResult, Level, Pillar

LIMIT_S = 5.0


def installed() -> tuple[list[Check], list[CheckResult]]:
    """The checks of all plug-ins, and an error result for each plug-in that cannot be loaded."""
    checks: dict[str, Check] = {}
    broken = []
    for name in plugins.names(GROUP):
        try:
            for check in plugins.load(GROUP, name):
                if not isinstance(check, Check):
                    raise TypeError(f"{check!r} lacks a part of the Check protocol")
                checks.setdefault(check.id, check)
        except (BadInput, TypeError) as error:
            broken.append(_unloadable(name, str(error)))
    return list(checks.values()), broken


def measure(project: Project, check: Check, *, limit_s: float = LIMIT_S) -> CheckResult:
    """Run one check; whatever happens, a result comes back. limit_s: how long to wait for it, seconds."""
    answers: SimpleQueue[Measurement] = SimpleQueue()
    started = time.monotonic()
    threading.Thread(target=lambda: answers.put(_run(project, check)), name=f"check {check.id}", daemon=True).start()
    try:
        seen = answers.get(timeout=limit_s)
    except Empty:
        seen = Measurement(
            level=Level.ERROR,
            reason=f"it did not answer within {limit_s:g} s and was left behind",
            fix="look for a slow disk or a network mount that hangs, and assess again",
        )
    return _result(check, seen, time.monotonic() - started)


def _run(project: Project, check: Check) -> Measurement:
    try:
        return check.run(project)
    except Exception as error:  # a broken check is a result, never the end of the assessment
        return Measurement(
            level=Level.ERROR, reason=f"the check broke: {type(error).__name__}: {error}", fix="report it to its author"
        )


def _result(check: Check, seen: Measurement, duration_s: float) -> CheckResult:
    score, reached = _scored(check, seen)
    bounds = check.bounds
    return CheckResult(
        check=check.id,
        title=check.title,
        pillar=check.pillar,
        category=check.category,
        weight=check.weight,
        blocker=check.blocker,
        level=reached,
        score=score,
        value=seen.value,
        unit=bounds.unit if bounds else "",
        ready=bounds.ready if bounds else None,
        must_fix=bounds.must_fix if bounds else None,
        source=check.source,
        reason=seen.reason,
        remedy="" if reached in (Level.READY, Level.NOT_APPLICABLE) else seen.fix,
        duration_s=round(duration_s, 4),
        evidence=seen.evidence,
    )


def _scored(check: Check, seen: Measurement) -> tuple[float | None, Level]:
    if seen.level is not None:
        return STEPS.get(seen.level), seen.level
    if check.bounds is None or seen.value is None:
        return None, Level.ERROR
    score = check.bounds.score(seen.value)
    return score, level(score)


def _unloadable(name: str, why: str) -> CheckResult:
    return CheckResult(
        check=f"plugin.{name}",
        title=f"checks of the plug-in {name}",
        pillar=Pillar.OPERATIONS,
        category="plug-in",
        weight=LOW,
        blocker=False,
        level=Level.ERROR,
        score=None,
        value=None,
        source=HOUSE,
        reason=f"they cannot be loaded: {' '.join(why.split())}",
        remedy="reinstall or remove the distribution that declares it",
        duration_s=0.0,
    )
