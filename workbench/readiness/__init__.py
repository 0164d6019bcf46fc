"""Readiness: "are we ready, and what do we fix first?" Instant checks of this machine and this project, as a scorecard.

In a notebook: `card = readiness.assess(project)`, then `readiness.fragment(card)` as HTML or `readiness.markdown(card)`.
"""

from workbench.readiness.assessment import assess
from workbench.readiness.render import fragment, markdown, page

__all__ = ["assess", "fragment", "markdown", "page"]
