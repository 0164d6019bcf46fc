import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.access.contract import Column
from workbench.access.engine import compatible, connect, logical_type, mount
from workbench.access.registry import load
from workbench.errors import BadInput
from workbench.machine import effective_cpus


@pytest.mark.parametrize(
    ("kind", "logical"),
    [
        ("BIGINT", "integer"), ("UTINYINT", "integer"), ("HUGEINT", "integer"), ("DECIMAL(10,2)", "number"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"), ("VARCHAR", "string"), ("ENUM('a', 'b')", "string"),
        ("STRUCT(a BIGINT)", "object"), ("STRUCT(a BIGINT)[]", "array"), ("BOOLEAN", "boolean"), ("TIME", "time"),
    ],
)  # fmt: skip
def test_types_of_the_engine_are_those_of_the_standard(kind, logical):
    assert logical_type(kind) == logical


def test_whole_numbers_may_stand_for_numbers_and_nothing_else_differs():
    assert compatible(Column(name="a", logical="number"), "INTEGER")
    assert not compatible(Column(name="a", logical="integer"), "DOUBLE")
    assert not compatible(Column(name="a", logical="date"), "TIMESTAMP")


def test_it_uses_the_processors_it_has_and_fetches_nothing(project):
    with connect(project) as con:
        rows = con.execute("SELECT current_setting('threads'), current_setting('autoinstall_known_extensions')").fetchall()
    assert rows == [(effective_cpus(), False)]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"customer_id": [1]}, "column 'city' of the contract is not in customers.parquet"),
        ({"customer_id": ["x"], "city": ["y"]}, "column 'customer_id' is VARCHAR, not integer"),
    ],
)
def test_data_that_left_their_contract_are_refused_by_column(shop, columns, why):
    pq.write_table(pa.table(columns), shop.root / "customers.parquet")
    with connect(shop) as con, pytest.raises(BadInput) as caught:
        mount(con, shop, load(shop, "customers"), name="customers")
    assert (caught.value.why, caught.value.fix) == (why, "workbench access check customers")


def test_a_column_that_the_contract_does_not_list_is_not_mounted(shop):
    pq.write_table(pa.table({"city": ["Ulm"], "secret": [1], "customer_id": [7]}), shop.root / "customers.parquet")
    with connect(shop) as con:
        mount(con, shop, load(shop, "customers"), name="customers")
        assert con.execute("SELECT * FROM customers").fetchall() == [(7, "Ulm")]
