import inspect
import typing
from importlib import import_module

import pytest

from workbench.actions import ACTIONS, NOUNS, SHORT
from workbench.project import Project
from workbench.records.base import Record


def function_of(name):
    module, _, attribute = ACTIONS[name].target.partition(":")
    return getattr(import_module(module), attribute)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_verb_is_a_documented_typed_function_from_a_project_to_a_record(name):
    function = function_of(name)
    hints = typing.get_type_hints(function)
    names = list(inspect.signature(function).parameters)
    assert inspect.getdoc(function)
    assert set(names) | {"return"} == set(hints)
    if ACTIONS[name].project:
        assert hints[names[0]] is Project
    returned = typing.get_args(hints["return"]) or (hints["return"],)
    assert all(issubclass(kind, Record) for kind in returned)


def test_every_verb_belongs_to_a_noun_and_every_short_name_to_a_verb():
    assert {name.split(".")[0] for name in ACTIONS} == set(NOUNS)
    assert set(SHORT.values()) <= set(ACTIONS)


def test_the_help_of_a_verb_is_one_line_that_fits():
    assert [name for name, action in ACTIONS.items() if len(action.help) > 60 or action.help.endswith(".")] == []
