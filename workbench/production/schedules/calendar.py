"""When a cron line is due, read in a time zone.

cronsim reads the line as Debian's cron does, also where clocks are put forward or back. APScheduler's own cron trigger does
not: it counts weekdays from Monday, wants both days to match where cron wants either, and fires twice in a repeated hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from workbench.errors import BadInput, unknown
from workbench.plugins import need

FIELDS = "minute hour day-of-month month day-of-week"
_SPANS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=366))


def machine_zone() -> str:
    """This machine's time zone by its IANA name."""
    name: str = need("tzlocal", extra="schedule").get_localzone_name()
    return name


def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises UnknownName."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise unknown("time zone", name, available_timezones(), fix="name it as in --tz Europe/Berlin, or --tz UTC") from None


def same_hours(one: str, other: str, start: datetime) -> bool:
    """Do the clocks of two zones go alike in the coming year, looked at twice a week?"""
    moments = [start + timedelta(days=half / 2) for half in range(0, 732, 7)]
    return all(m.astimezone(time_zone(one)).utcoffset() == m.astimezone(time_zone(other)).utcoffset() for m in moments)


class Calendar:
    """The due times of one cron line in one time zone, as moments in UTC.

    A line that names its minute and its hour is due once a day by the wall: a time that the clocks skip is due at the first
    moment after the gap, one that they repeat is due the first time. A line whose minute or hour begins with `*` goes by
    the clock as it runs, through a repeated hour too.
    Raises BadInput for a line that cannot be read or is never due, UnknownName for a zone.
    """

    def __init__(self, cron: str, tz: str) -> None:
        need("cronsim", extra="schedule")
        from cronsim import CronSimError

        self.cron, self.zone = cron, time_zone(tz)
        try:
            never = self.after(datetime.now(UTC)) is None
        except CronSimError as error:
            raise _no_cron(cron, str(error).replace("Bad ", "this cannot be its ")) from None
        if never:
            raise _no_cron(cron, "it is not due in the next 50 years")

    def after(self, moment: datetime) -> datetime | None:
        """The first due time after `moment`; None when there is none in 50 years."""
        from cronsim import CronSim

        for found in CronSim(self.cron, moment.astimezone(self.zone)):
            due = found.astimezone(UTC)
            if due > moment:  # in a repeated hour it may tell the first one, which is past
                return due
        return None

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The due times in (after, until], in order."""
        due = self.after(after)
        while due is not None and due <= until:
            yield due
            due = self.after(due)

    def latest(self, after: datetime, until: datetime, n: int) -> list[datetime]:
        """The last `n` due times in (after, until], in order, without going through all of a long time."""
        for span in _SPANS:
            if until - span <= after:
                break
            found = list(self.between(until - span, until))
            if len(found) >= n:
                return found[-n:]
        return list(self.between(after, until))[-n:]

    def reading(self) -> str:
        """The line in words: `At 06:00 on Monday`."""
        from cronsim import CronSim

        return str(CronSim(self.cron, datetime.now(UTC)).explain())

    def wall(self, moment: datetime) -> str:
        """A moment as the clock on the wall shows it there: `Mon 2026-11-23 06:00 CET`."""
        return f"{moment.astimezone(self.zone):%a %Y-%m-%d %H:%M %Z}"


def check_cron(cron: str) -> str:
    """A line of five fields, its spaces evened out. Raises BadInput for another number of fields."""
    fields = cron.split()
    if len(fields) != 5:
        raise _no_cron(cron, f"it has {len(fields)} fields, and cron has five: {FIELDS}")
    return " ".join(fields)


def _no_cron(cron: str, why: str) -> BadInput:
    return BadInput(f"'{cron[:80]}' is no cron line", why=why, fix='as in --cron "0 6 * * 1": at 06:00 on Mondays')
