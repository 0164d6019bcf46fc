import json
from datetime import timedelta

import pytest

from workbench.errors import BadInput, NotAllowed, UnknownName
from workbench.production.schedules.lease import Lease
from workbench.production.schedules.manage import pause, schedule, schedules, unpause, unschedule
from workbench.production.schedules.record import Schedule, read_schedule
from workbench.records.run import Limits

CRON = {"cron": "0 6 * * 1", "tz": "Europe/Berlin"}


@pytest.fixture
def hello(template):
    template("hello", "weeks: int = 8  # how far back [4..52]\nseed: int = 0  # random seed", "print(weeks)")


def events(project):
    return [e["event"] for e in project.audit.entries()]


def test_a_schedule_is_a_file_that_says_what_runs_when(project, hello):
    made = schedule(project, "hello", **CRON, parameter={"weeks": "9"}, timeout=60, on_failure="true", late_after=600)
    read = read_schedule(project, "hello")
    assert read == made.schedule
    assert (read.what, read.parameters, read.limits, read.late_after_s) == ("template", {"weeks": 9}, Limits(run_s=60), 600)
    assert made.reading == "At 06:00 on Monday"
    assert made.next == ("Mon 2026-11-23 06:00 CET", "Mon 2026-11-30 06:00 CET", "Mon 2026-12-07 06:00 CET")
    assert [f.check for f in made.view().findings] == ["schedule.worker"]
    assert events(project)[-1] == "schedule.create"


def test_the_zone_is_the_machines_when_none_is_named(project, hello):
    import tzlocal

    assert schedule(project, "hello", cron="0 6 * * 1").schedule.tz == tzlocal.get_localzone_name()


def test_what_could_not_run_is_refused_when_it_is_scheduled(project, hello, template):
    template("reads", "table: Path = 'nowhere.csv'  # what to read", "print(table)")
    template("asks", "data: Dataset = 'sales'  # what to read\npurpose: str = 'training'  # why", "print(data)")
    with pytest.raises(BadInput, match="cannot run with these parameters"):
        schedule(project, "hello", **CRON, parameter={"weeks": "99"})
    with pytest.raises(UnknownName, match="parameter"):
        schedule(project, "hello", **CRON, parameter={"wekes": "9"})
    with pytest.raises(UnknownName, match="no template or pipeline named 'helo'"):
        schedule(project, "helo", **CRON)
    with pytest.raises(BadInput, match="'table' cannot be read"):
        schedule(project, "reads", **CRON)
    with pytest.raises((UnknownName, NotAllowed)):
        schedule(project, "asks", **CRON)
    assert schedules(project).schedules == ()


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"cron": "0 6 * *"}, "is no cron line"),
        ({"tz": "Europe/Berln"}, "no time zone named"),
        ({"name": "../x"}, "cannot name a schedule"),
        ({"name": ""}, "cannot name a schedule"),
        ({"catch_up": -1}, "out of bounds"),
        ({"catch_up": 101}, "out of bounds"),
        ({"late_after": float("nan")}, "out of bounds"),
        ({"timeout": 0}, "gives a run no time"),
        ({"memory": "lots"}, "is no size"),
        ({"on_late": "gopher://x"}, "cannot send anything"),
        ({"on_finish": "no-such-program"}, "is no command"),
    ],
)
def test_each_option_is_checked(project, hello, asked, what):
    with pytest.raises((BadInput, UnknownName), match=what):
        schedule(project, "hello", **{**CRON, **asked})
    assert not list((project.state / "schedules").glob("*"))


def test_a_pipeline_is_scheduled_by_its_name_and_takes_no_parameters(project, hello):
    (project.root / "pipelines" / "weekly.toml").write_text('[steps.a]\ntemplate = "hello"\n')
    assert schedule(project, "weekly", **CRON).schedule.what == "pipeline"
    with pytest.raises(BadInput, match="takes no parameters"):
        schedule(project, "weekly", **CRON, parameter={"weeks": "9"})
    with pytest.raises(BadInput, match="takes no limits"):
        schedule(project, "weekly", **CRON, timeout=5)
    (project.root / "pipelines" / "torn.toml").write_text('[steps.a]\ntemplate = "nowhere"\n')
    with pytest.raises(UnknownName):
        schedule(project, "torn", **CRON)


def test_a_name_that_is_both_has_to_be_told_apart(project, hello):
    (project.root / "pipelines" / "hello.toml").write_text('[steps.a]\ntemplate = "hello"\n')
    with pytest.raises(BadInput, match="is a template and a pipeline") as refused:
        schedule(project, "hello", **CRON)
    assert "pipelines/hello.toml" in refused.value.fix
    assert schedule(project, "pipelines/hello.toml", **CRON).schedule.what == "pipeline"
    assert schedule(project, str(project.root / "templates" / "hello.ipynb"), **CRON, name="b").schedule.what == "template"


def test_a_notebook_given_by_its_path_is_found_from_the_projects_folder(project, hello):
    (project.root / "templates" / "hello.ipynb").rename(project.root / "mine.ipynb")
    assert schedule(project, str(project.root / "mine.ipynb"), **CRON).schedule.target == "mine.ipynb"


def test_a_schedule_of_the_same_name_and_target_is_replaced_and_another_target_refused(project, hello, template):
    template("other", "x: int = 0  # nothing", "print(x)")
    schedule(project, "hello", **CRON, name="weekly")
    replaced = schedule(project, "hello", cron="0 7 * * *", tz="UTC", name="weekly")
    assert replaced.note == "it replaces the one that was due by '0 6 * * 1' in Europe/Berlin"
    with pytest.raises(BadInput, match="there is a schedule 'weekly' already"):
        schedule(project, "other", **CRON, name="weekly")
    assert [p.schedule.cron for p in schedules(project).schedules] == ["0 7 * * *"]


def test_pause_unpause_and_unschedule_change_the_file_and_are_audited(project, hello):
    schedule(project, "hello", **CRON)
    assert pause(project, "hello").schedule.paused
    assert pause(project, "hello").note == "it was paused already"
    assert schedules(project).schedules[0].view().findings == ()
    assert not unpause(project, "hello").schedule.paused
    unschedule(project, "hello")
    assert schedules(project).schedules == ()
    with pytest.raises(UnknownName):
        pause(project, "hello")
    assert events(project)[1:] == ["schedule.create", "schedule.pause", "schedule.unpause", "schedule.remove"]


def test_the_list_says_whether_a_worker_is_alive_and_when_each_runs(project, hello):
    schedule(project, "hello", **CRON)
    assert [f.outcome for f in schedules(project).view().findings] == ["warn"]
    Lease(project).take()
    listed = schedules(project)
    assert listed.view().findings == ()
    assert listed.worker.startswith("process ")
    assert listed.view().rows == (("hello", "hello", "At 06:00 on Monday (Europe/Berlin)", "Mon 2026-11-23 06:00 CET", ""),)


def test_one_broken_file_does_not_hide_the_others(project, hello):
    schedule(project, "hello", **CRON)
    (project.state / "schedules" / "torn.json").write_text("{")
    good = read_schedule(project, "hello")
    project.save(good.model_copy(update={"name": "odd", "cron": "who knows"}), "odd")
    listed = schedules(project)
    assert [p.schedule.name for p in listed.schedules] == ["hello"]
    assert [f.check for f in listed.problems] == ["schedule.file", "schedule.file"]


def test_the_password_in_a_webhooks_address_is_neither_shown_nor_audited(project, hello):
    made = schedule(project, "hello", **CRON, on_failure="https://hooks.example.com/services/s3cret")
    assert "s3cret" not in made.view().model_dump_json()
    assert "https://hooks.example.com/…" in made.view().model_dump_json()
    assert "s3cret" not in json.dumps(list(project.audit.entries()))


def test_a_record_of_a_schedule_can_be_read_by_every_later_workbench(project, hello):
    schedule(project, "hello", **CRON)
    data = json.loads((project.state / "schedules" / "hello.json").read_text())
    assert (data["kind"], data["version"]) == ("schedule", 1)
    assert Schedule.load(project.state / "schedules" / "hello.json").since <= project.clock() + timedelta(0)
