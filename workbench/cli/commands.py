"""Nouns and verbs as click groups and commands. A verb's module is loaded when that verb is called or asked for help."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from traceback import walk_tb
from typing import Any, NoReturn

import click

from workbench import __version__
from workbench.actions import ACTIONS, NOUNS, SHORT, Action
from workbench.cli.signature import parameters_of
from workbench.errors import RunFailed, UserError, WorkbenchError

_COMMON = (
    click.Option(["--json", "as_json"], is_flag=True, help="Print the record as JSON."),
    click.Option(["--fail-on"], type=click.Choice(["warn", "fail"]), default="fail", help="Exit with 1 from this outcome on."),
)
_PROJECT = click.Option(["--project"], type=click.Path(path_type=Path), help="The project's folder, else found from here.")


class Verb(click.Command):
    """One verb. Its parameters come from the function's signature, read when they are needed."""

    def __init__(self, name: str, action: Action) -> None:
        super().__init__(name, short_help=action.help, callback=self._run)
        self.action = action
        self.loaded = False

    def function(self) -> Callable[..., Any]:
        module, _, attribute = self.action.target.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        return found

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self.loaded:
            self.loaded = True
            function = self.function()
            own = parameters_of(function, skip_first=self.action.project)
            self.params = [*own, *([_PROJECT] if self.action.project else []), *_COMMON]
            self.help = inspect.getdoc(function)
        return super().get_params(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.get_params(ctx)
        head, _, _ = (self.help or "").partition("\n\n")
        self.help, whole = head, self.help
        super().format_help_text(ctx, formatter)
        self.help = whole

    def _run(self, as_json: bool, fail_on: str, **values: Any) -> NoReturn:
        from workbench.cli.show import exit_code, progress, show

        project_folder = values.pop("project", None) or click.get_current_context().find_root().params.get("project")
        given = {k: v for k, v in values.items() if v is not None and v != ()}
        with progress(enabled=not as_json) as listener:
            if self.action.project:
                from dataclasses import replace

                from workbench.project import find

                record = self.function()(replace(find(explicit=project_folder), listener=listener), **given)
            else:
                if project_folder and "project" in inspect.signature(self.function()).parameters:
                    given["project"] = Path(project_folder)
                record = self.function()(**given)
        try:
            if as_json:
                click.echo(json.dumps(record.model_dump(mode="json"), indent=1))
            else:
                show(record.view())
        except BrokenPipeError:  # `| head -1`: the reader has had enough, and what was done is done
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exit_code(record, fail_on))


class Nouns(click.Group):
    """A group whose commands are made when asked for, and which names the nearest ones to a word it does not know."""

    def __init__(self, name: str | None, prefix: str = "", **more: Any) -> None:
        super().__init__(name, no_args_is_help=True, **more)
        self.prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        if self.prefix:
            return [name.removeprefix(self.prefix) for name in ACTIONS if name.startswith(self.prefix)]
        return [*SHORT, *(noun for noun in NOUNS if noun != "project")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if not self.prefix and cmd_name in NOUNS:
            return Nouns(
                cmd_name, f"{cmd_name}.", short_help=NOUNS[cmd_name], help=f"{cmd_name.capitalize()}: {NOUNS[cmd_name]}"
            )
        action = SHORT.get(cmd_name, "") if not self.prefix else self.prefix + cmd_name
        return Verb(cmd_name, ACTIONS[action]) if action in ACTIONS else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(_no_such(args[0], self.list_commands(ctx), self.prefix), ctx)
        return super().resolve_command(ctx, args)


def _no_such(word: str, known: Iterable[str], prefix: str) -> str:
    near = get_close_matches(word, known, n=3)
    elsewhere = [name.replace(".", " ") for name in ACTIONS if name.endswith(f".{word}")]
    hint = f"did you mean {' or '.join(near)}?" if near else f"try {' or '.join(elsewhere)}" if elsewhere else ""
    return f"no command '{(prefix.replace('.', ' ') + word).strip()}'" + (f": {hint}" if hint else "")


workbench = Nouns(
    None,
    help="A click becomes a notebook, and a notebook becomes a production run.",
    epilog="Exit codes: 0 fine, 1 a finding fails, 2 your request cannot be carried out, 3 a run or the machine failed.",
    params=[_PROJECT],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
click.version_option(__version__, prog_name="workbench")(workbench)


def main() -> None:
    """The script's entry: prints an error as its three lines (or as JSON), never as a traceback."""
    as_json = "--json" in sys.argv
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's way to say Ctrl-C
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter shows its number
    try:
        workbench(prog_name="workbench", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.show()
            sys.exit(0)
        _fail(UserError(error.format_message(), why="the command line is not understood", fix=_usage(error)), as_json)
    except WorkbenchError as error:
        _fail(error, as_json)
    except (KeyboardInterrupt, click.Abort):
        why, fix = "it was stopped from outside", "run it again; a pipeline goes on where it stopped with --from STEP"
        _fail(RunFailed("cancelled; what was finished is kept", why=why, fix=fix), as_json)
    except Exception as error:
        if os.environ.get("WORKBENCH_TRACEBACK"):
            raise
        _fail(_defect(error), as_json)


def _defect(error: Exception) -> WorkbenchError:
    """The letter for what no verb has foreseen: it is ours to mend, and a person should not have to read a stack for it."""
    *_, last = walk_tb(error.__traceback__)
    place = f"{Path(last[0].f_code.co_filename).name}, line {last[1]}"
    return WorkbenchError(
        "workbench met what it did not foresee",
        why=f"{type(error).__name__}: {error} ({place})",
        fix="report it with the stack that WORKBENCH_TRACEBACK=1 shows",
    )


def _usage(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return f"{ctx.command_path} --help" if ctx is not None else "workbench --help"


def _fail(error: WorkbenchError, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"error": error.letter()}))
    else:
        from workbench.cli.plain import plain

        first, *rest = plain(str(error)).splitlines()
        click.echo("\n".join([click.style(first, fg="red", bold=True), *rest]), err=True)
    sys.exit(error.exit_code)
