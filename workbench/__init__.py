"""Workbench: a click becomes a notebook, and a notebook becomes a production run.

`from workbench import access, experiments, export, monitoring, production, readiness` loads only what is named.
"""

__version__ = "0.1.0"
