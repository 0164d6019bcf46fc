import pytest

from workbench.access.pii import iban, luhn, suspect


def _kind(column, logical, values, distinct=100, rows=100):
    found = suspect(column, logical, values, distinct=distinct, rows=rows)
    return found and (found.kind, found.classification, found.entity)


CARDS = ["4111111111111111", "5500005555555559", "340000000000009", "4012888888881881", "6011111111111117"]


def test_checksums_are_those_of_the_standards():
    assert [luhn("4111 1111 1111 1111"), luhn("4111111111111112"), luhn("0")] == [True, False, False]
    assert [iban("GB82 WEST 1234 5698 7654 32"), iban("GB82WEST12345698765433"), iban("x")] == [True, False, False]


@pytest.mark.parametrize(
    ("column", "logical", "values", "expected"),
    [
        ("contact", "string", [f"a{i}@b.example" for i in range(9)], ("e-mail address", "restricted", "")),
        ("number", "integer", CARDS, ("payment card", "restricted", "")),
        ("mobile", "string", [f"+49 731 {i}55 123" for i in range(9)], ("phone number", "restricted", "")),
        ("birthDate", "date", [f"1980-01-0{i}" for i in range(1, 9)], ("date of birth", "restricted", "")),
        ("host", "string", [f"10.0.0.{i}" for i in range(9)], ("IP address", "restricted", "")),
        ("last_name", "string", ["Ott", "May"], ("name or address", "restricted", "")),
        ("household_id", "integer", ["1", "2"], ("household id", "restricted", "household")),
        ("customerId", "string", ["a", "b"], ("customer id", "restricted", "customer")),
    ],
)
def test_two_signs_make_a_suspicion(column, logical, values, expected):
    assert _kind(column, logical, values) == expected


@pytest.mark.parametrize(
    ("column", "logical", "values"),
    [
        ("basket_id", "integer", [str(31198437603 + i) for i in range(99)]),  # a naive phone pattern fits every one
        ("start_date", "date", [f"2017-01-0{i}" for i in range(1, 9)]),
        ("email_count", "integer", [str(i) for i in range(9)]),
        ("ean", "string", ["4006381333931", "9780201379624", "5901234123457", "4012345678901", "1234567890128"]),
    ],
)
def test_one_sign_alone_does_not(column, logical, values):
    assert _kind(column, logical, values) is None


def test_a_column_called_name_is_a_persons_only_if_it_varies():
    assert _kind("name", "string", ["Milk"], distinct=3, rows=1000) is None
    assert _kind("name", "string", ["Ann"], distinct=900, rows=1000) == ("name or address", "restricted", "")


def test_a_trait_shared_by_many_is_confidential():
    assert _kind("income", "string", ["35-49K"], distinct=12, rows=801) == ("personal trait", "confidential", "")


def test_too_few_values_to_tell_count_as_a_sign_for_a_telling_name():
    found = suspect("email", "string", [], distinct=0, rows=9)
    assert found is not None
    assert found.evidence == ("the column is called 'email'", "0 values are too few to tell")
