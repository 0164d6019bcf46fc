import pytest

from workbench.access.catalog import catalog, confirm, show
from workbench.access.register import register
from workbench.access.registry import contract_path
from workbench.errors import BadInput, UnknownName


@pytest.fixture
def drafted(project):
    path = project.root / "sales.csv"
    path.write_text("sale_id,customer_id\n1,5\n2,6\n")
    register(project, path)
    return project


def test_the_catalog_lists_every_contract_a_broken_one_too(drafted):
    contract_path(drafted, "broken").write_text("a: [")
    shown = [(e.dataset, e.status, e.columns, e.restricted) for e in catalog(drafted).entries]
    assert shown == [("broken", "broken", 0, 0), ("sales", "draft", 2, 1)]
    assert catalog(drafted).view().next == ("workbench access confirm sales",)


def test_confirming_changes_one_line_and_keeps_comments(drafted):
    path = contract_path(drafted, "sales")
    before = path.read_text()
    card = confirm(drafted, "sales")
    assert card.contract.status == "active"
    assert path.read_text() == before.replace("status: draft", "status: active")
    assert list(drafted.audit.entries())[-1]["event"] == "access.confirm"


def test_confirming_twice_is_no_second_act(drafted):
    confirm(drafted, "sales")
    lines = len(list(drafted.audit.entries()))
    assert confirm(drafted, "sales").contract.status == "active"
    assert len(list(drafted.audit.entries())) == lines


def test_a_column_without_classification_is_not_confirmed(drafted):
    path = contract_path(drafted, "sales")
    path.write_text(path.read_text().replace("    classification: internal\n", ""))
    with pytest.raises(BadInput, match="cannot be confirmed yet"):
        confirm(drafted, "sales")


def test_a_retired_dataset_is_not_confirmed_by_accident(drafted):
    path = contract_path(drafted, "sales")
    path.write_text(path.read_text().replace("status: draft", "status: retired"))
    with pytest.raises(BadInput, match="is no draft"):
        confirm(drafted, "sales")


def test_a_card_shows_a_dataset_whose_file_is_gone(drafted):
    (drafted.root / "sales.csv").unlink()
    card = show(drafted, "sales")
    assert card.file == ""
    assert ("file", "sales.csv (csv), not there") in card.view().facts
    with pytest.raises(UnknownName):
        show(drafted, "nothing")
