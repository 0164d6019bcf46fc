import hashlib
import hmac

import pyarrow as pa
import pytest

from workbench.access.pseudonym import key_path, mapping, project_key, token, tokens
from workbench.errors import BadInput, MachineError


def test_a_token_is_63_bits_of_hmac_sha256():
    digest = hmac.new(b"k" * 32, b"4711", hashlib.sha256).digest()
    assert token(b"k" * 32, 4711) == int.from_bytes(digest[:8], "big") // 2
    assert 0 <= token(b"k" * 32, "x") < 2**63


def test_a_number_and_its_text_are_one_id_so_that_joins_survive_a_change_of_type():
    assert token(b"k" * 32, 7) == token(b"k" * 32, "7")


def test_another_key_gives_other_tokens():
    assert token(b"a" * 32, 7) != token(b"b" * 32, 7)


def test_two_ids_with_one_token_are_refused():
    with pytest.raises(MachineError, match="two ids have the same pseudonym"):
        tokens(b"k" * 32, [7, "7"])


def test_a_mapping_keeps_the_type_of_the_id():
    table = mapping(b"k" * 32, pa.array([1, 2], pa.int32()))
    assert table.schema == pa.schema([("id", pa.int32()), ("token", pa.int64())])


def test_the_key_is_made_once_and_only_its_owner_may_read_it(project):
    first = project_key(project)
    assert (len(first), project_key(project)) == (32, first)
    assert key_path(project).stat().st_mode & 0o777 == 0o600
    assert list(key_path(project).parent.iterdir()) == [key_path(project)]


def test_a_key_that_others_may_read_is_refused_with_the_command_that_closes_it(project):
    project_key(project)
    key_path(project).chmod(0o644)
    with pytest.raises(BadInput) as caught:
        project_key(project)
    assert caught.value.fix == f"chmod 600 {key_path(project)}"


def test_a_damaged_key_is_not_replaced(project):
    project_key(project)
    key_path(project).write_bytes(b"short")
    with pytest.raises(MachineError, match="damaged"):
        project_key(project)
    assert key_path(project).read_bytes() == b"short"
