import time
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.production.schedules.calendar import Calendar
from workbench.production.schedules.due import LOOKED_AT, Due, start_of_window, whats_due

HOURLY = Calendar("0 * * * *", "UTC")


def at(hour, minute=0, second=0, day=23):
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def test_what_is_on_time_runs_whatever_catch_up_says():
    for catch_up in (0, 1, 5):
        assert whats_due(HOURLY, after=at(5), now=at(6, 0, 1), catch_up=catch_up) == Due(fire=(at(6),))


def test_of_what_was_missed_the_latest_are_made_up_for():
    def due(catch_up):
        return whats_due(HOURLY, after=at(2), now=at(6, 30), catch_up=catch_up)

    assert due(0) == Due(missed=(at(3), at(4), at(5), at(6)))
    assert due(1) == Due(fire=(at(6),), missed=(at(3), at(4), at(5)))
    assert due(9) == Due(fire=(at(3), at(4), at(5), at(6)))


def test_what_was_dealt_with_is_not_due_again():
    assert whats_due(HOURLY, after=at(2), now=at(4, 30), catch_up=9, handled={at(3), at(4)}.__contains__) == Due()


def test_nothing_is_due_before_its_time():
    assert whats_due(HOURLY, after=at(5), now=at(5, 59, 59), catch_up=1) == Due()


def test_a_clock_that_jumps_by_ten_years_costs_no_ten_years():
    every_minute = Calendar("* * * * *", "Europe/Berlin")
    began = time.monotonic()
    due = whats_due(every_minute, after=at(5), now=at(5) + timedelta(days=3652), catch_up=1)
    assert (len(due.fire), len(due.missed)) == (1, LOOKED_AT - 1)
    assert time.monotonic() - began < 5


def test_a_mark_that_lies_ahead_was_set_by_a_wrong_clock_and_says_nothing():
    assert start_of_window(at(12), [at(6), at(9), at(3, day=30)], otherwise=at(0)) == at(9)
    assert start_of_window(at(12), [at(3, day=30)], otherwise=at(11)) == at(11)


@settings(max_examples=100, deadline=None)
@given(
    cron=st.sampled_from(["0 * * * *", "*/7 * * * *", "30 2 * * *", "0 6 * * 1"]),
    start_s=st.integers(0, 400 * 86400),
    length_s=st.integers(0, 20 * 86400),
    catch_up=st.integers(0, 5),
    handled=st.sets(st.integers(0, 20)),
)
def test_every_open_time_is_either_run_or_missed_and_no_more_are_run_than_allowed(cron, start_s, length_s, catch_up, handled):
    calendar = Calendar(cron, "Europe/Berlin")
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s)
    now = after + timedelta(seconds=length_s)
    every = list(calendar.between(after, now))[-LOOKED_AT:]
    dealt_with = {due for place, due in enumerate(every) if place in handled}
    due = whats_due(calendar, after=after, now=now, catch_up=catch_up, handled=dealt_with.__contains__)
    assert [*due.missed, *due.fire] == [d for d in every if d not in dealt_with]
    assert len(due.fire) <= max(catch_up, 1)
    if catch_up == 0:
        assert all(now - d <= timedelta(minutes=1) for d in due.fire)
