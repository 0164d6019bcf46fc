"""The table of verbs: what Workbench does, once. Every face (command line, wizard, REST, Lab) is drawn from it.

A verb is a function over a project that returns a record. After the project, its positional-or-keyword parameters are
positionals of the command, its keyword-only ones options; annotations are the types, the docstring is the help.
This module imports nothing, so that `workbench --help` stays quick.
"""

from typing import NamedTuple


class Action(NamedTuple):
    """target: "module:function"; help: one line; project: whether it works in a project."""

    target: str
    help: str
    project: bool = True


NOUNS = {
    "project": "a folder with your data's contracts, pipelines and runs",
    "access": "find data that you may use, and get just that",
    "production": "run notebooks with parameters, alone or as a pipeline",
    "readiness": "are we ready, and what do we fix first?",
    "experiments": "what was trained, and what came of it",
    "export": "models that were proven equal and can be served",
    "audit": "who did what to which data",
}

ACTIONS = {
    "project.init": Action("workbench.project:init", "Make a project in a folder", project=False),
    "project.status": Action("workbench.project:status", "Show what is in this project"),
    "access.register": Action("workbench.access.register:register", "Profile a file and draft its contract"),
    "access.confirm": Action("workbench.access.catalog:confirm", "Put a drafted contract into force"),
    "access.catalog": Action("workbench.access.catalog:catalog", "List the datasets of this project"),
    "access.show": Action("workbench.access.catalog:show", "Show a dataset's contract"),
    "access.check": Action("workbench.access.check:check", "Check one dataset, or all, against their contracts"),
    "production.run": Action("workbench.production.launch:run", "Run a template once"),
    "production.pipeline": Action("workbench.production.pipelines.pipeline:pipeline", "Run a pipeline and write its report"),
    "production.sweep": Action("workbench.production.sweeps.verbs:sweep", "Run a template at many points and compare"),
    "production.resume": Action("workbench.production.sweeps.verbs:resume", "Go on with a sweep that was broken off"),
    "production.sweeps": Action("workbench.production.sweeps.verbs:sweeps", "List sweeps, newest first"),
    "production.cancel": Action("workbench.production.cancel:cancel", "Stop a run or a sweep"),
    "production.schedule": Action(
        "workbench.production.schedules.manage:schedule", "Run a template or a pipeline by the calendar"
    ),
    "production.schedules": Action("workbench.production.schedules.manage:schedules", "List the schedules, and when they run"),
    "production.pause": Action("workbench.production.schedules.manage:pause", "Let a schedule rest"),
    "production.unpause": Action("workbench.production.schedules.manage:unpause", "Let a paused schedule run again"),
    "production.unschedule": Action("workbench.production.schedules.manage:unschedule", "Remove a schedule"),
    "production.fire": Action("workbench.production.schedules.manage:fire", "Run a schedule now"),
    "production.worker": Action("workbench.production.schedules.control:worker", "Run the schedules of this project"),
    "production.export-schedule": Action(
        "workbench.production.schedules.export:export", "Draw a schedule for cron, GitHub or Airflow"
    ),
    "production.runs": Action("workbench.production.runs:runs", "List runs, newest first"),
    "production.show": Action("workbench.production.show:show", "Show a template, a run and why it failed, or a sweep"),
    "production.reproduce": Action("workbench.production.compare.reproduce:reproduce", "Run a run again and compare"),
    "production.diff": Action("workbench.production.compare.diff:diff", "Say what changed between two runs, causes first"),
    "production.bundle": Action("workbench.production.compare.bundle:bundle", "Pack a run so that others can check it"),
    "production.verify": Action("workbench.production.compare.verify:verify", "Check a bundle or a run", project=False),
    "production.prune": Action("workbench.production.prune:prune", "Remove old runs; says first what would go"),
    "production.lint": Action("workbench.production.lint:lint", "Check a template without running it"),
    "production.templates": Action("workbench.production.templates:templates", "List the templates"),
    "production.mirror": Action("workbench.production.mirror:mirror", "Copy to the project's mirror what it lacks of the runs"),
    "production.fetch": Action("workbench.production.fetch:fetch", "Bring a mirrored run back"),
    "readiness.assess": Action("workbench.readiness:assess", "Probe this machine and project, and score them"),
    "experiments.list": Action("workbench.experiments:list_runs", "List tracked training runs"),
    "experiments.show": Action("workbench.experiments:show", "Show one tracked training run"),
    "export.list": Action("workbench.export:models", "List exported models"),
    "export.show": Action("workbench.export:show", "Show an exported model and its proof"),
    "export.verify": Action("workbench.export:verify", "Check an exported model's files against their hashes"),
    "audit.verify": Action("workbench.project:verify_audit", "Check the chain of the audit log"),
    "audit.list": Action("workbench.project:list_audit", "Show the last lines of the audit log"),
}

SHORT = {"init": "project.init", "status": "project.status"}
