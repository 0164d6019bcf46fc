"""The exported DAGs in a real Airflow, which gets an environment of its own beside this one (about 90 s, once: pytest's cache).

This environment's packages are visible in it, behind its own: so Airflow's task finds our engine, as it does where both are
installed together.
"""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import NOON
from tests.production.schedules.conftest import write_schedule
from workbench.production.runs import runs
from workbench.production.schedules.export import export

pytestmark = pytest.mark.slow

AIRFLOW = ("apache-airflow==3.3.2", "apache-airflow-providers-papermill==3.13.3")

CHECK = """
import json, sys
from airflow.utils.db import initdb

initdb()
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
dags = {
    name: [dag.timetable.expression, str(dag.timetable.timezone), [type(task).__mro__[1].__name__ for task in dag.tasks]]
    for name, dag in bag.dags.items()
}
state = None if bag.import_errors else str(bag.dags["workbench-nightly"].test().state)
print(json.dumps({"errors": bag.import_errors, "dags": dags, "state": state}))
"""


@pytest.fixture(scope="module")
def airflow(pytestconfig):
    """The Python of an environment with Airflow. Skips where Airflow cannot be installed."""
    place = Path(pytestconfig.cache.mkdir(f"airflow-{'-'.join(AIRFLOW).replace('=', '')}-{sys.implementation.cache_tag}"))
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        for found in (place / "lib").glob("python*/site-packages"):
            behind = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
            (found / "zz_behind.pth").write_text(behind)
        install = [python, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "20", *AIRFLOW]
        installed = subprocess.run(install, capture_output=True, text=True, timeout=900)
        if installed.returncode:
            reason = (installed.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            pytest.skip(f"Airflow cannot be installed here: {reason}")
        (place / "ready").touch()
    return python


def test_airflow_reads_the_dags_and_runs_the_notebook_with_our_engine(project, template, tmp_path, airflow):
    template("hello", "weeks: int = 8  # how far back", "from workbench import production\nproduction.record('w', weeks)")
    since = NOON.replace(year=2025)  # Airflow runs nothing for a time before it
    made = {"cron": "0 6 * * 1", "tz": "Europe/Berlin", "since": since, "parameters": {"weeks": 3}, "limits": {"run_s": 90}}
    write_schedule(project, target="hello", **made)
    write_schedule(project, "weekly", what="pipeline", target="retail", cron="*/5 * * * *")
    for name in ("nightly", "weekly"):
        export(project, name, to="airflow", out=tmp_path / "dags" / f"{name}.py")
    done = subprocess.run(
        [airflow, "-c", CHECK, tmp_path / "dags"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["errors"] == {}
    assert told["dags"] == {
        "workbench-nightly": ["0 6 * * 1", "Europe/Berlin", ["PapermillOperator"]],
        "workbench-weekly": ["*/5 * * * *", "UTC", ["BaseOperator"]],
    }
    assert told["state"] == "success"
    (run,) = runs(project).runs
    assert (run.state.value, run.parameters, run.figures[0].value) == ("done", {"weeks": 3}, 3)
