"""APScheduler's part: an alarm for each schedule at its due times, and the threads in which runs and notices go on.

An alarm only says "look now". What is due then, and whether it is ours to run, is decided from the files; so an alarm that
comes twice, late or for nothing does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from workbench.production.schedules.calendar import Calendar

NOTICES = 4  # threads that wait for webhooks and commands, so that a slow one holds up no run


class _Trigger(BaseTrigger):  # type: ignore[misc]
    """Our calendar as APScheduler asks for it: the next due time from now on, however long it slept."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        return self.calendar.after(max(previous_fire_time or now, now))


class Alarms:
    """ring: called in a thread with the name of the schedule whose time has come. at_once: how many runs may go on together."""

    def __init__(self, ring: Callable[[str], None], *, at_once: int) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self.ring = ring
        self.scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(at_once), "notices": ThreadPoolExecutor(NOTICES)},
            # two at once: one that runs, and one that finds it running and says so
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 2},
        )
        self.scheduler.start()

    def set(self, name: str, calendar: Calendar) -> None:
        """Ring at the calendar's due times, and once now: something may have been missed."""
        self._add(self.ring, _Trigger(calendar), args=(name,), id=name, replace_existing=True, next_run_time=datetime.now(UTC))

    def remove(self, name: str) -> None:
        """Ring no more for this schedule."""
        if self.scheduler.get_job(name) is not None:
            self.scheduler.remove_job(name)

    def ring_now(self, name: str) -> None:
        """Ring at once, and go on from there: the clock was set, or the last ring came to nothing."""
        if self.scheduler.get_job(name) is not None:
            self.scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def send(self, act: Callable[[], None]) -> None:
        """Do it in a thread of its own, now; in this one when there are no others any more."""
        if self.scheduler.running:
            self._add(act, executor="notices")
        else:
            act()

    def stop(self, *, wait: bool) -> None:
        """Ring no more. wait: for the runs and notices that are on their way."""
        self.scheduler.shutdown(wait=wait)

    def _add(self, *args: Any, **options: Any) -> None:
        self.scheduler.add_job(*args, **options)
