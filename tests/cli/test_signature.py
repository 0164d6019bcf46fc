from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import click
import pytest

from workbench.cli.signature import parameters_of


class Colour(StrEnum):
    RED = "red"


def verb(
    project: object,
    name: str,
    folder: Path,
    *,
    limit: int = 20,
    deep: bool = False,
    colour: Colour | None = None,
    from_: str | None = None,
    tag: tuple[str, ...] = (),
    parameter: Mapping[str, str] | None = None,
) -> None:
    """Do it.

    limit: at most so many.
    deep, colour: how.
    """


def parse(*words):
    command = click.Command("verb", params=parameters_of(verb, skip_first=True), callback=lambda **values: values)
    return command.main(list(words), standalone_mode=False)


def test_a_keyword_without_a_default_must_be_given():
    def needs(project: object, *, keep: int) -> None:
        """Do it."""

    command = click.Command("needs", params=parameters_of(needs, skip_first=True), callback=lambda **values: values)
    assert command.main(["--keep", "3"], standalone_mode=False) == {"keep": 3}
    with pytest.raises(click.MissingParameter):
        command.main([], standalone_mode=False)


def test_positionals_are_arguments_and_keywords_are_options():
    values = parse(
        "n", "f", "--limit", "3", "--deep", "--colour", "red", "--from", "s", "--tag", "a", "--tag", "b", "-p", "x=1=2"
    )
    assert values == {
        "name": "n",
        "folder": Path("f"),
        "limit": 3,
        "deep": True,
        "colour": Colour.RED,
        "from_": "s",
        "tag": ("a", "b"),
        "parameter": {"x": "1=2"},
    }


def test_defaults_are_those_of_the_function():
    values = parse("n", "f")
    assert (values["limit"], values["deep"], values["colour"], values["from_"], values["parameter"]) == (
        20,
        False,
        None,
        None,
        {},
    )


def test_the_docstring_is_the_help():
    helps = {p.name: p.help for p in parameters_of(verb, skip_first=True) if isinstance(p, click.Option)}
    assert (helps["limit"], helps["colour"]) == ("at most so many.", "how.")


@pytest.mark.parametrize("words", [("n",), ("n", "f", "--limit", "x"), ("n", "f", "--colour", "blue"), ("n", "f", "-p", "=1")])
def test_what_does_not_fit_the_signature_is_refused(words):
    with pytest.raises(click.UsageError):
        parse(*words)
