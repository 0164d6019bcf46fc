"""The verb: look at this machine and this project, and say what to mend first."""

from __future__ import annotations

from workbench.errors import BadInput
from workbench.project import Project
from workbench.readiness.runner import installed, measure
from workbench.readiness.scorecard import scorecard
from workbench.records.scorecard import Scorecard


def assess(project: Project, *, environment: str = "this machine") -> Scorecard:
    """Check whether this machine and this project are ready for production, in a few seconds.

    environment: what to call the machine on the scorecard: "laptop", "hub pod", "scheduler worker".
    Only reads, except that one check writes 230 kB below `.workbench` and removes them. Exit code 1 only when a blocker
    must be fixed; everything else that is not ready warns. Raises BadInput for an empty label.
    """
    if not environment.strip():
        raise BadInput(
            "the environment has no name",
            why="a score counts only for the machine it was measured on",
            fix='give it one: --environment "laptop"',
        )
    checks, broken = installed()
    # one after the other: two at a time would disturb each other's timings
    results = [*(measure(project, check) for check in checks), *broken]
    now = project.clock()
    made = scorecard(results, project=project.config.name, environment=environment.strip(), actor=project.actor, created=now)
    name = f"{now:%Y%m%dT%H%M%S%fZ}"
    project.audit.append(
        "readiness.assess",
        scorecard=name,
        environment=made.environment,
        level=made.level.value,
        score=made.score,
        coverage=made.coverage,
    )
    return project.save(made, name)
