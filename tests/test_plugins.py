import pytest

from workbench import plugins
from workbench.errors import MissingExtra, UnknownName


def test_every_group_holds_our_own_plug_ins():
    assert all(plugins.names(group) for group in plugins.GROUPS)


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_every_plug_in_of_ours_loads(group):
    for name in plugins.names(group):
        assert plugins.load(group, name) is not None


def test_a_misspelt_plug_in_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'parquet'"):
        plugins.load("workbench.readers", "parkuet")


def test_a_missing_extra_names_the_command_that_installs_it():
    with pytest.raises(MissingExtra) as caught:
        plugins.need("no_such_package_xyz", extra="ml")
    assert caught.value.fix == "pip install 'notebook-workbench[ml]'"


def test_a_package_that_is_there_is_returned():
    assert plugins.need("json", extra="ml").__name__ == "json"
