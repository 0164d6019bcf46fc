"""The project: one folder on disk, the person who acts, and the clock.

Found by `--project`, else the variable WORKBENCH_PROJECT, else by walking up from the current folder to workbench.toml.
People write TOML and YAML in it; the machine writes JSON below `.workbench/`.
"""

from workbench.project.create import init
from workbench.project.folder import MARK, Event, Project, ProjectConfig, find, open_project, read_toml, system_user
from workbench.project.look import look, look_pipeline
from workbench.project.overview import AuditReport, ProjectStatus, list_audit, status, verify_audit

__all__ = [
    "MARK",
    "AuditReport",
    "Event",
    "Project",
    "ProjectConfig",
    "ProjectStatus",
    "find",
    "init",
    "list_audit",
    "look",
    "look_pipeline",
    "open_project",
    "read_toml",
    "status",
    "system_user",
    "verify_audit",
]
