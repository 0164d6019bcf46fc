"""Our own checks, a module a theme; each is declared in pyproject.toml under `workbench.checks`."""
