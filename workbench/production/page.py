"""Our self-contained HTML pages: one look, no script, nothing fetched, all text escaped."""

from __future__ import annotations

from typing import Any


def draw(template: str, **values: Any) -> str:
    """A template of `pages/` as text. A value that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("workbench.production", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
