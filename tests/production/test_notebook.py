import json

import pytest

from tests.conftest import code, text, write_notebook
from workbench.errors import BadInput, UnknownName
from workbench.production.notebook import read_notebook


def test_title_and_summary_come_from_the_first_text(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", text("# Train\n\nLearns a\nmodel.\n\nMore."), code("1"))
    notebook = read_notebook(path)
    assert (notebook.title, notebook.summary) == ("Train", "Learns a model.")


def test_the_code_hash_knows_code_and_nothing_else(tmp_path):
    one = read_notebook(write_notebook(tmp_path / "a.ipynb", text("# A"), code("x = 1")))
    retold = read_notebook(write_notebook(tmp_path / "b.ipynb", text("# B"), code("x = 1", "tag")))
    other = read_notebook(write_notebook(tmp_path / "c.ipynb", text("# A"), code("x = 2")))
    assert one.code_sha256 == retold.code_sha256 != other.code_sha256


def test_source_as_a_list_of_lines_is_the_same_source(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", code("x = 1\ny = 2"))
    data = json.loads(path.read_text())
    data["cells"][0]["source"] = ["x = 1\n", "y = 2"]
    (tmp_path / "b.ipynb").write_text(json.dumps(data))
    assert read_notebook(path).code_sha256 == read_notebook(tmp_path / "b.ipynb").code_sha256


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"cells": []}',
        b'{"cells": [], "nbformat": 3}',
        b'{"cells": [1], "nbformat": 4}',
        b'{"cells": [{"cell_type": "<script>"}], "nbformat": 4}',
        b"\xff\xfe",
    ],
)
def test_a_corrupt_notebook_is_refused_with_the_way_out(tmp_path, content):
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.ipynb is not a readable notebook"):
        read_notebook(path)


def test_a_notebook_that_is_not_there_or_a_folder_is_told_apart(tmp_path):
    with pytest.raises(UnknownName):
        read_notebook(tmp_path / "none.ipynb")
    with pytest.raises(BadInput, match="it is a folder"):
        read_notebook(tmp_path)
