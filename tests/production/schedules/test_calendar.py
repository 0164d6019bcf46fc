from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput, UnknownName
from workbench.production.schedules.calendar import Calendar, check_cron, same_hours

MINUTE = timedelta(minutes=1)

# a moment near which the clocks there are put forward or back, at night or at midnight
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2019, 2, 17, 2, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 3, 29, 1, tzinfo=UTC)),  # no change, and an odd offset
]
# by half an hour, in one place on earth. cronsim goes by whole hours there: on these two days a line that begins with `*` may
# lose half an hour, while one that names its times is right
BY_HALF = [
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
]


def due(cron, tz, start, n):
    """The first n due times after a moment, as wall times with their offset."""
    calendar, found = Calendar(cron, tz), []
    moment = start
    for _ in range(n):
        moment = calendar.after(moment)
        found.append(f"{moment.astimezone(calendar.zone):%a %m-%d %H:%M %z}")
    return found


def test_weekdays_count_from_sunday_as_in_cron():
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday
    assert due("0 6 * * 1", "UTC", start, 2) == ["Mon 11-23 06:00 +0000", "Mon 11-30 06:00 +0000"]
    assert due("0 6 * * 0", "UTC", start, 1) == due("0 6 * * 7", "UTC", start, 1) == due("0 6 * * sun", "UTC", start, 1)
    assert due("0 6 * * 0", "UTC", start, 1) == ["Sun 11-29 06:00 +0000"]


def test_a_day_of_the_month_and_a_weekday_mean_either_as_in_cron():
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert due("0 6 1 * 1", "UTC", start, 3) == ["Mon 11-23 06:00 +0000", "Mon 11-30 06:00 +0000", "Tue 12-01 06:00 +0000"]


def test_a_time_that_the_clocks_skip_is_due_once_at_the_first_moment_after_it():
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert due("30 2 * * *", "Europe/Berlin", start, 2) == ["Sun 03-29 03:00 +0200", "Mon 03-30 02:30 +0200"]
    assert due("0 2,3 * * *", "Europe/Berlin", start, 2) == ["Sun 03-29 03:00 +0200", "Mon 03-30 02:00 +0200"]


def test_a_time_that_the_clocks_repeat_is_due_once_the_first_time():
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert due("30 2 * * *", "Europe/Berlin", start, 2) == ["Sun 10-25 02:30 +0200", "Mon 10-26 02:30 +0100"]
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert due("30 2 * * *", "Europe/Berlin", between, 1) == ["Mon 10-26 02:30 +0100"]


def test_what_is_due_every_hour_is_due_in_both_of_a_repeated_one():
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert due("0 * * * *", "Europe/Berlin", start, 3) == [
        "Sun 10-25 02:00 +0200",
        "Sun 10-25 02:00 +0100",
        "Sun 10-25 03:00 +0100",
    ]


def walked(minutes, hours, tz, start, until):
    """The due times of a line with lists of minutes and hours, found by walking from minute to minute."""
    zone = ZoneInfo(tz)
    walls, moment = [], start
    while moment <= until:
        walls.append((moment.astimezone(zone).replace(tzinfo=None), moment))
        moment += MINUTE
    if "*" in (minutes, hours):  # by the clock as it runs
        return [m for wall, m in walls if (minutes == "*" or wall.minute in minutes) and (hours == "*" or wall.hour in hours)]
    found, wall = set(), walls[0][0]
    while wall <= walls[-1][0]:  # by the wall: what a day of 24 hours has, at the first moment that shows it or more
        if wall.minute in minutes and wall.hour in hours:
            found.add(min(m for shown, m in walls if shown >= wall))
        wall += MINUTE
    return sorted(found)


def field(values):
    return "*" if values == "*" else ",".join(map(str, values))


def lists(most):
    return st.lists(st.integers(0, most), min_size=1, max_size=4, unique=True)


LINES = st.tuples(st.sampled_from(CHANGES), st.just("*") | lists(59), st.just("*") | lists(23))
LINES |= st.tuples(st.sampled_from(BY_HALF), lists(59), lists(23))


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_due_times_are_those_that_a_walk_from_minute_to_minute_finds(line):
    (tz, at), minutes, hours = line
    start, until = at - timedelta(hours=30), at + timedelta(hours=30)
    inside = at - timedelta(hours=28), at + timedelta(hours=26)  # the walk knows nothing beyond its ends
    calendar = Calendar(f"{field(minutes)} {field(hours)} * * *", tz)
    expected = [m for m in walked(minutes, hours, tz, start, until) if inside[0] < m <= inside[1]]
    assert list(calendar.between(*inside)) == expected


@settings(max_examples=100, deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    cron=st.sampled_from(["30 2 * * *", "0 0 * * *", "15 */2 * * *", "*/20 * * * *", "59 1,2,3 * * 0", "5 0-4 25 10 0"]),
    offset_s=st.integers(-2 * 86400, 2 * 86400),
)
def test_due_times_rise_and_do_not_depend_on_when_one_asks(change, cron, offset_s):
    tz, at = change
    calendar, moment = Calendar(cron, tz), at + timedelta(seconds=offset_s)
    first = calendar.after(moment)
    second = calendar.after(first)
    assert moment < first < second
    assert {calendar.after(m) for m in (moment, moment + (first - moment) / 2, first - timedelta(microseconds=1))} == {first}
    assert calendar.after(first + (second - first) / 2) == second


@settings(max_examples=60, deadline=None)
@given(change=st.sampled_from(CHANGES), n=st.integers(1, 50), hours=st.integers(1, 24 * 60))
def test_the_latest_due_times_are_the_last_of_all(change, n, hours):
    tz, at = change
    calendar = Calendar("10 */3 * * *", tz)
    after = at - timedelta(hours=hours)
    every = list(calendar.between(after, at))
    assert calendar.latest(after, at, n) == every[-n:]
    assert all(a < b for a, b in pairwise(every))


def test_the_latest_of_a_century_of_minutes_are_found_at_once():
    calendar = Calendar("* * * * *", "Europe/Berlin")
    until = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
    found = calendar.latest(until - timedelta(days=36525), until, 3)
    assert found == [datetime(2026, 11, 23, 11, 58, tzinfo=UTC) + i * MINUTE for i in range(3)]


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 26 * * *", "this cannot be its hour"),
        ("61 * * * *", "this cannot be its minute"),
        ("0 0 30 2 *", "this cannot be its day-of-month"),
        ("0 0 1 * mony", "this cannot be its day-of-week"),
        ("0 0 */20 * 1L", "it is not due in the next 50 years"),  # the 1st or 21st, if it is the last Monday
    ],
)
def test_a_line_that_cannot_be_is_refused_with_the_field_that_is_wrong(cron, why):
    with pytest.raises(BadInput) as refused:
        Calendar(cron, "UTC")
    assert refused.value.why == why


def test_a_line_has_five_fields():
    assert check_cron(" 0  6 * * 1 ") == "0 6 * * 1"
    for line in ("", "0 6 * *", "0 0 6 * * 1", "@daily"):
        with pytest.raises(BadInput, match="is no cron line"):
            check_cron(line)


@pytest.mark.parametrize("name", ["Europe/Berln", "../etc/passwd", "Europe", ""])
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(UnknownName):
        Calendar("0 6 * * *", name)


def test_a_line_reads_as_a_sentence():
    assert Calendar("0 6 * * 1-5", "Europe/Berlin").reading() == "At 06:00 on Monday through Friday"
    assert Calendar("0 6 1 * *", "UTC").wall(datetime(2026, 11, 23, 6, tzinfo=UTC)) == "Mon 2026-11-23 06:00 UTC"


def test_zones_are_alike_when_their_clocks_are():
    start = datetime(2026, 7, 1, tzinfo=UTC)
    assert same_hours("UTC", "Etc/UTC", start) and same_hours("Europe/Berlin", "Europe/Paris", start)
    assert not same_hours("Africa/Lagos", "Europe/Berlin", start)  # alike in winter
