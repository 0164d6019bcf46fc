"""Which due times to run now, and which are missed. Pure: it is told the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.production.schedules.calendar import Calendar

ON_TIME = timedelta(seconds=60)  # so soon after its time a run is not made up but on time
LOOKED_AT = 1000  # due times: a clock that jumps by years must not keep us


@dataclass(frozen=True)
class Due:
    """fire: due times to run now, oldest first. missed: the others, oldest first, the last LOOKED_AT of them."""

    fire: tuple[datetime, ...] = ()
    missed: tuple[datetime, ...] = ()


def start_of_window(now: datetime, marks: Iterable[datetime], *, otherwise: datetime) -> datetime:
    """From when on due times are still open.

    marks: when the schedule was made, and what was dealt with. One that lies ahead was set by a clock that was wrong, and
    says nothing about now; `otherwise` holds when all do.
    """
    return max((mark for mark in marks if mark <= now), default=otherwise)


def whats_due(
    calendar: Calendar, *, after: datetime, now: datetime, catch_up: int, handled: Callable[[datetime], bool] = lambda _: False
) -> Due:
    """The open due times in (after, now]: the latest `catch_up` are run; the latest is run in any case if it is on time."""
    open_ = [due for due in calendar.latest(after, now, LOOKED_AT) if not handled(due)]
    if not open_:
        return Due()
    take = max(catch_up, 1) if now - open_[-1] <= ON_TIME else catch_up
    split = max(0, len(open_) - take)
    return Due(fire=tuple(open_[split:]), missed=tuple(open_[:split]))
