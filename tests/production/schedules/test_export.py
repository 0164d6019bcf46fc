import ast
import json
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from tests.production.schedules.conftest import write_schedule
from workbench.errors import BadInput, UnknownName
from workbench.production.schedules.export import export

AWKWARD = {"text": "50 % of 'these' \"and\" $those {{ ts }} ${{ secrets.x }} größer", "weeks": 9, "tags": ["a b", "c"]}


@pytest.fixture
def scheduled(project, template):
    """`scheduled(cron=…)` writes the schedule 'nightly' of the template 'hello'."""
    template("hello", "text: str = ''  # any\nweeks: int = 8  # how far back\ntags: list[str] = []  # any", "print(text)")

    def write(**fields):
        return write_schedule(project, **{"target": "hello", "tz": "Europe/Berlin", **fields})

    return write


def checks(exported):
    return {f.check.removeprefix("schedule.export."): f.message for f in exported.findings}


def test_a_crontab_line_runs_what_the_schedule_runs(project, scheduled):
    scheduled(cron="0 6 * * 1", parameters=AWKWARD)
    exported = export(project, "nightly", to="cron")
    *_, zone, line = exported.text.splitlines()
    assert zone == "CRON_TZ=Europe/Berlin"
    assert "%" not in line.replace(r"\%", "")  # cron ends a command at a percent sign
    cron, command = line.split(" cd ", 1)
    assert cron == "0 6 * * 1"
    # what sh makes of it, as cron hands it over
    words = ("cd " + command.replace(r"\%", "%")).replace(sys.executable, "printf '%s\\0'", 1).partition(" >> ")[0]
    said = subprocess.run(["sh", "-c", words], capture_output=True, check=True).stdout.decode().split("\0")[:-1]
    assert said[:8] == ["-P", "-m", "workbench", "production", "run", "hello", "--fresh", "-p"]
    given = dict(word.split("=", 1) for word in said if "=" in word)
    assert given == {"text": AWKWARD["text"], "weeks": "9", "tags": '["a b", "c"]'}
    assert shlex.quote(str(project.root)) in line


def test_a_crontab_line_is_run_by_a_real_shell(project, scheduled):
    scheduled(parameters={"text": "a b"}, target="hello")
    line = export(project, "nightly", to="cron").text.splitlines()[-1]
    command = line.split(" ", 5)[5].replace(" production run ", " production show ").replace("--fresh -p 'text=a b'", "")
    assert subprocess.run(["sh", "-c", command.replace(r"\%", "%")], cwd="/").returncode == 0
    assert "A template for a test" in (project.state / "schedules" / "nightly.log").read_text()


def test_a_line_break_fits_in_no_crontab(project, scheduled):
    scheduled(parameters={"text": "a\nb"})
    with pytest.raises(BadInput, match="a crontab cannot hold"):
        export(project, "nightly", to="cron")


SCHEMA = json.loads((files("check_jsonschema") / "builtin_schemas" / "vendor" / "github-workflows.json").read_text())


def workflow_of(exported):
    """The workflow as GitHub reads it, once it has passed GitHub's schema."""
    workflow = YAML(typ="safe").load(exported.text)
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(workflow)] == []
    return workflow


def test_a_github_workflow_holds_to_githubs_schema_and_runs_the_same(project, scheduled):
    scheduled(cron="0 6 * * 1", parameters=AWKWARD, limits={"run_s": 3000})
    workflow = workflow_of(export(project, "nightly", to="github"))
    assert workflow["on"]["schedule"] == [{"cron": "0 6 * * 1", "timezone": "Europe/Berlin"}]
    job = workflow["jobs"]["run"]
    assert job["timeout-minutes"] == 60
    (run,) = [step["run"] for step in job["steps"] if step.get("name") == "Run"]
    words = shlex.split(run.replace("${{ '${{' }}", "${{"))  # GitHub reads it as an expression whose value is `${{`
    assert words[:5] == ["workbench", "production", "run", "hello", "--fresh"]
    assert f"text={AWKWARD['text']}" in words


def test_the_schema_refuses_what_is_no_workflow(project, scheduled):
    scheduled()
    exported = export(project, "nightly", to="github")
    with pytest.raises(AssertionError):
        workflow_of(exported.model_copy(update={"text": exported.text.replace("timezone:", "zone:")}))


def test_a_workflow_stands_in_the_projects_folder_of_its_repository(project, scheduled):
    scheduled()
    assert checks(export(project, "nightly", to="github")) == {"repository": "this project is in no git repository"}
    subprocess.run(["git", "init", "-q"], cwd=project.root.parent, check=True)
    exported = export(project, "nightly", to="github")
    assert workflow_of(exported)["jobs"]["run"]["defaults"]["run"]["working-directory"] == project.root.name
    assert exported.findings == ()


def test_what_the_other_scheduler_does_not_do_is_said(project, scheduled):
    scheduled(cron="*/2 * * * *", tz="Pacific/Apia", on_failure="true", on_late="true")
    assert "GitHub starts a workflow every 5 minutes at most" in checks(export(project, "nightly", to="github"))["often"]
    assert checks(export(project, "nightly", to="airflow")) == {"notices": "nobody is told on failure, late"}
    assert set(checks(export(project, "nightly", to="cron"))) == {"zone", "notices"}


@pytest.mark.parametrize("to", ["cron", "github", "airflow"])
def test_what_is_not_standard_cron_is_exported_nowhere(project, scheduled, to):
    scheduled(cron="0 6 L * *")
    with pytest.raises(BadInput, match="cannot run '0 6 L"):
        export(project, "nightly", to=to)
    scheduled(cron="0 6 * JUL 1")
    export(project, "nightly", to=to)


def calls(text, name):
    """The keyword arguments of the calls of `name` in a Python text, as they are written."""
    return [
        {k.arg: ast.unparse(k.value) for k in node.keywords}
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name
    ]


def test_a_dag_is_python_with_our_operator(project, scheduled):
    scheduled(cron="0 6 * * 1", parameters=AWKWARD, limits={"run_s": 60})
    text = export(project, "nightly", to="airflow").text
    (task,) = calls(text, "WorkbenchOperator")
    assert ast.literal_eval(task["input_nb"]) == str(project.root / "templates" / "hello.ipynb")
    assert ast.literal_eval(task["parameters"]) == {**AWKWARD, "text": "{% raw %}" + AWKWARD["text"] + "{% endraw %}"}
    assert task["execution_timeout"] == "timedelta(seconds=60.0)"


def test_the_dag_of_a_pipeline_calls_the_command(project, scheduled):
    scheduled(what="pipeline", target="weekly")
    (task,) = calls(export(project, "nightly", to="airflow").text, "BashOperator")
    assert shlex.split(ast.literal_eval(task["bash_command"]))[3:6] == ["workbench", "production", "pipeline"]


def test_it_is_written_to_the_file_that_was_named(project, scheduled, tmp_path):
    scheduled()
    exported = export(project, "nightly", to="github", out=tmp_path / "deep" / "nightly.yml")
    assert Path(exported.path).read_text() == exported.text
    assert exported.view().text == ""
    assert json.loads(exported.dump())["to"] == "github"
    with pytest.raises(UnknownName):
        export(project, "nigtly", to="cron")
