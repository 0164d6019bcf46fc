"""The command `workbench`: drawn from the table of verbs, so that it cannot say anything the other faces cannot."""

from workbench.cli.commands import main

__all__ = ["main"]
