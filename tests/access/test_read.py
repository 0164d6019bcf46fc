import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import access
from workbench.access.content import content_sha256
from workbench.access.pseudonym import key_path, project_key, token
from workbench.access.registry import contract_path
from workbench.errors import BadInput, NotAllowed, UnknownName
from workbench.project import system_user


def _last(project):
    entry = list(project.audit.entries())[-1]
    return entry["event"], entry["facts"]


def test_reading_hands_over_the_granted_columns_with_pseudonyms_and_null_stays_null(shop):
    table = access.read("sales", purpose="training", project=shop)
    found = {row["line"]: row["customer_id"] for row in table.to_pylist()}
    key = project_key(shop)
    assert table.column_names == ["line", "customer_id", "week", "paid"]
    assert found == {1: token(key, 7), 2: token(key, 8), 3: token(key, 7), 4: None}
    assert table.schema.field("customer_id").type == pa.int64()


def test_only_the_columns_asked_for_come_in_their_order(shop):
    table = access.read("sales", purpose="training", columns=["paid", "line"], project=shop)
    assert table.to_pydict() == {"paid": [12.5, 31.0, 8.0, 40.0], "line": [1, 2, 3, 4]}


def test_rows_are_filtered_and_values_masked_for_a_role_that_may_see_less(shop, as_user):
    table = access.read("sales", purpose="training", columns=["line", "paid"], project=as_user(shop, "bob"))
    assert sorted(zip(*table.to_pydict().values(), strict=True)) == [(1, 10.0), (2, 30.0), (4, 40.0)]


def test_the_project_is_found_from_the_current_folder(shop, monkeypatch):
    monkeypatch.chdir(shop.root)
    policy = shop.root / "policy.toml"
    policy.write_text(policy.read_text().replace('"ann"', f'"{system_user()}"'))
    assert access.read("customers", purpose="training", columns=["city"]).num_rows == 3


def test_every_reading_leaves_one_line_that_holds_no_value_and_no_sql(shop, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUN_ID", "20261122T120000Z-train-00000000")
    access.read("sales", purpose="training", columns=["line", "customer_id"], project=shop)
    event, facts = _last(shop)
    digest = content_sha256(shop, shop.root / "sales.parquet")
    assert event == "access.read"
    assert {k: v for k, v in facts.items() if not k.endswith("sha256")} == {
        "dataset": "sales",
        "contract_version": "1.0.0",
        "purpose": "training",
        "roles": ["owner"],
        "columns": ["line", "customer_id"],
        "masks": {"customer_id": "pseudonym"},
        "rows_where": [],
        "enforcement": "advisory",
        "rows": 4,
        "run": "20261122T120000Z-train-00000000",
    }
    assert (facts["sha256"], len(facts["sql_sha256"]), len(facts["policy_sha256"])) == (digest, 64, 64)
    assert project_key(shop).hex() not in shop.audit.path.read_text()


def test_a_refusal_is_audited_and_says_what_to_do(shop, as_user):
    with pytest.raises(NotAllowed) as caught:
        access.read("customers", purpose="training", project=as_user(shop, "bob"))
    assert str(caught.value) == (
        "bob may not read 'customers' for 'training'\n  why: no rule grants it to clerk\n"
        "  fix: ask the policy's owner for a rule in policy.toml: dataset customers, purpose training"
    )
    event, facts = _last(shop)
    assert (event, facts["dataset"], facts["reason"]) == ("access.deny", "customers", "no rule grants it to clerk")


def test_a_draft_is_refused_with_the_command_that_confirms_it(shop):
    path = contract_path(shop, "sales")
    path.write_text(path.read_text().replace("status: active", "status: draft"))
    with pytest.raises(NotAllowed) as caught:
        access.read("sales", purpose="training", project=shop)
    assert caught.value.fix == "workbench access confirm sales"


def test_a_path_is_no_way_around_the_catalog(shop):
    for path in ("sales.parquet", str(shop.root / "sales.parquet"), shop.root / "sales.parquet"):
        with pytest.raises(NotAllowed) as caught:
            access.read(path, purpose="training", project=shop)
        assert caught.value.fix == f"workbench access register {path}"
        assert _last(shop)[0] == "access.deny"
    with pytest.raises(UnknownName):
        access.read("no_such", purpose="training", project=shop)


def test_a_csv_file_whose_values_left_their_type_is_refused_with_the_line(project):
    path = project.root / "notes.csv"
    path.write_text("n\n1\n2\n")
    access.register(project, path)
    access.confirm(project, "notes")
    path.write_text("n\n1\nx\n")
    with pytest.raises(BadInput) as caught:
        access.read("notes", purpose="training", project=project)
    assert "line 3" in caught.value.why


def test_an_identity_is_the_hash_of_what_is_read(shop):
    found = access.identity(shop, "sales")
    assert (found.name, found.contract_version) == ("sales", "1.0.0")
    assert found.sha256 == content_sha256(shop, shop.root / "sales.parquet")


def test_a_preview_reads_nothing_and_leaves_no_line(shop):
    before = len(list(shop.audit.entries()))
    assert access.explain(shop, "sales", purpose="training", columns=("paid",)).columns == ("paid",)
    assert not access.explain(shop, "sales", purpose="resale").allowed
    assert len(list(shop.audit.entries())) == before


def test_an_open_connection_holds_the_governed_relations_and_nothing_else(shop):
    with access.open(["sales", "customers"], purpose="training", project=shop) as con:
        assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("customers",), ("sales",)]
        assert con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []
        settings = con.execute("SELECT value FROM duckdb_settings() WHERE name NOT LIKE 'duckdb%'").fetchall()
    key = project_key(shop)
    assert not any(key.hex() in str(row) or str(key) in str(row) for row in settings)


def test_two_pseudonymised_tables_still_join(shop):
    with access.open(["sales", "customers"], purpose="training", project=shop) as con:
        query = "SELECT line, city FROM sales LEFT JOIN customers USING (customer_id) ORDER BY line"
        assert con.execute(query).fetchall() == [(1, "Ulm"), (2, "Rom"), (3, "Ulm"), (4, None)]
        ids = con.execute("SELECT DISTINCT customer_id FROM customers").fetchall()
    assert {i for (i,) in ids}.isdisjoint({7, 8, 9})


@pytest.fixture
def prices(shop):
    """A dataset without anything to hide: it is handed over as a view of its file."""
    pq.write_table(pa.table({"product": ["a", "b"], "price": [1.0, 2.0]}), shop.root / "prices.parquet")
    access.register(shop, shop.root / "prices.parquet")
    access.confirm(shop, "prices")
    return shop


def test_what_is_granted_as_it_is_becomes_a_view_and_the_rest_a_table(prices):
    with access.open(["prices", "sales"], purpose="training", project=prices) as con:
        assert con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == [("prices",)]
        assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("sales",)]
        assert con.execute("SELECT sum(price) FROM prices").fetchall() == [(3.0,)]


def test_a_file_with_a_column_beyond_the_contract_is_no_view(prices):
    pq.write_table(pa.table({"product": ["a"], "price": [1.0], "cost": [0.5]}), prices.root / "prices.parquet")
    with access.open(["prices"], purpose="training", project=prices) as con:
        assert con.execute("SELECT * FROM prices").fetchall() == [("a", 1.0)]
        with pytest.raises(duckdb.PermissionException):
            con.execute(f"SELECT * FROM read_parquet('{prices.root}/prices.parquet')")


def test_an_open_connection_reaches_no_other_file_and_cannot_be_unlocked(prices, tmp_path):
    root = prices.root
    attempts = [
        f"SELECT * FROM read_parquet('{root}/sales.parquet')",
        f"SELECT * FROM '{root}/sales.parquet'",
        f"SELECT * FROM read_text('{root}/policy.toml')",
        f"SELECT * FROM read_blob('{key_path(prices)}')",
        f"SELECT * FROM glob('{root}/*')",
        f"ATTACH '{tmp_path}/x.db'",
        f"COPY prices TO '{tmp_path}/x.csv'",
        f"COPY sales TO '{tmp_path}/x.parquet'",
        f"EXPORT DATABASE '{tmp_path}/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        f"SET allowed_paths = ['{root}/sales.parquet']",
        "SET lock_configuration = false",
        "SELECT * FROM mapping_0",
        "SELECT * FROM source",
        'SELECT * FROM "governed stream"',
    ]
    with access.open(["prices", "sales"], purpose="training", project=prices) as con:
        for attempt in attempts:
            with pytest.raises(duckdb.Error):
                con.execute(attempt)
        assert con.execute("SELECT count(*) FROM prices").fetchall() == [(2,)]
    assert list(tmp_path.iterdir()) == [prices.root]


def test_opening_leaves_a_line_for_each_dataset(prices):
    access.open(["prices", "sales"], purpose="training", project=prices).close()
    entries = list(prices.audit.entries())[-2:]
    shown = [(e["event"], e["facts"]["dataset"], e["facts"]["rows"], e["facts"]["enforcement"]) for e in entries]
    assert shown == [("access.open", "prices", 2, "advisory"), ("access.open", "sales", 4, "advisory")]


def test_one_refused_dataset_refuses_the_connection_and_every_refusal_is_audited(prices, as_user):
    with pytest.raises(NotAllowed, match="bob may not read 'prices'"):
        access.open(["sales", "prices", "customers"], purpose="training", project=as_user(prices, "bob"))
    entries = [e for e in prices.audit.entries() if e["actor"] == "bob"]
    assert [(e["event"], e["facts"]["dataset"]) for e in entries] == [("access.deny", "prices"), ("access.deny", "customers")]
