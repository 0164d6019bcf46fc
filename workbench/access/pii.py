"""Does a column point at a person? A suggestion with its evidence; the owner decides.

One sign alone misleads: a phone pattern fits every basket id, and a column `name` may hold products. So a suggestion needs
two signs of different kinds: the column's name, the form of the values, a checksum, or how distinct the values are. Only
forms that nothing else has (an e-mail address, a number with a valid checksum) count as two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from pydantic import BaseModel, ConfigDict

SHARE = 0.9  # of the sampled values must have the form; a Luhn digit is right by chance in 10 % of all numbers
FEWEST = 5  # values; below that a share says nothing


class Suspicion(BaseModel):
    """What a column seems to hold, how it should be classified, and the signs that say so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    kind: str
    classification: Literal["confidential", "restricted"]
    entity: str = ""
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class _Kind:
    """name: found in the column's name; form: a test of one value; alone: the form needs no second sign."""

    kind: str
    name: re.Pattern[str]
    form: Callable[[str], bool] | None = None
    alone: bool = False
    sign: str = "the usual form"


def luhn(digits: str) -> bool:
    """The checksum of payment cards (ISO/IEC 7812-1, annex B): 13 to 19 digits."""
    if not re.fullmatch(r"[\d -]{13,23}", digits):
        return False
    numbers = [int(d) for d in digits if d.isdigit()]
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(numbers))]
    return 13 <= len(numbers) <= 19 and sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """The checksum of bank accounts (ISO 13616): moved and read as a number, the rest modulo 97 is 1."""
    plain = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _ip(text: str) -> bool:
    try:
        return ip_address(text) is not None and ("." in text or ":" in text)
    except ValueError:
        return False


def _fits(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _phone(text: str) -> bool:
    return re.fullmatch(r"\+?[\d\s()./-]{7,22}", text) is not None and 7 <= sum(c.isdigit() for c in text) <= 15


def _name(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|_)(?:{words})(?:_|$)")


_KINDS = (
    _Kind("e-mail address", _name("e_?mail|mail"), _fits(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"), alone=True, sign="e-mail form"),
    _Kind("bank account", _name("iban|bank_?account|account_?(?:no|nr|number)"), iban, alone=True, sign="IBAN checksum"),
    _Kind("payment card", _name("card|card_?(?:no|nr|number)|pan"), luhn, alone=True, sign="Luhn checksum"),
    _Kind("IP address", _name("ip|ip_?addr(?:ess)?"), _ip, alone=True, sign="IP address form"),
    _Kind("social security number", _name("ssn|social_?security"), _fits(r"\d{3}-\d{2}-\d{4}"), alone=True, sign="SSN form"),
    _Kind("phone number", _name("phone|mobile|tel|telephone|fax|cell"), _phone, sign="phone form"),
    _Kind("date of birth", _name("birth|birthday|birth_?date|date_?of_?birth|dob"), _fits(r"(?:18|19|20)\d\d-\d\d-\d\d.*")),
)
_NAMES = _name("(?:first|last|full|given|family|sur|middle|maiden|customer|person)_?name|street|address|addr")
_NAME = _name("name")
_PERSON_ID = re.compile(
    r"(?:^|_)(household|customer|person|user|member|patient|client|employee|subscriber|guest|cardholder)s?_?(?:id|key|no|nr|num|number|code)$"
)
_TRAITS = _name(
    "age|gender|sex|income|salary|religion|ethnicity|race|nationality|marital|marital_?status|zip|zip_?code|postal_?code|postcode"
)


def suspect(column: str, logical: str, values: Sequence[str], *, distinct: int, rows: int) -> Suspicion | None:
    """What a column seems to hold of a person; None when nothing says so.

    values: a sample of it as text, without NULL; distinct, rows: counted over the whole file.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())
    for kind in _KINDS:
        share = sum(map(kind.form, values)) / len(values) if kind.form and values else 0.0
        fits = share >= SHARE and len(values) >= FEWEST
        named = kind.name.search(plain) is not None
        few = len(values) < FEWEST
        if (fits and (named or kind.alone)) or (few and named):
            sign = f"{len(values)} values are too few to tell" if few else f"{share:.0%} of {len(values):,} values: {kind.sign}"
            evidence = (*_by_name(named, column), sign)
            return Suspicion(column=column, kind=kind.kind, classification="restricted", evidence=evidence)
    spread = f"{distinct:,} distinct values in {rows:,} rows"
    if (found := _PERSON_ID.search(plain)) and logical in ("integer", "string") and distinct > 1:
        evidence = (*_by_name(True, column), spread)
        return Suspicion(column=column, kind=f"{found[1]} id", classification="restricted", entity=found[1], evidence=evidence)
    bare = _NAME.search(plain) is not None and distinct > rows // 10  # `name` alone may be of products, unless it varies
    if logical == "string" and (bare or _NAMES.search(plain)):
        evidence = (*_by_name(True, column), f"text, {spread}")
        return Suspicion(column=column, kind="name or address", classification="restricted", evidence=evidence)
    if _TRAITS.search(plain) and 1 < distinct <= max(2, rows // 2):
        evidence = (*_by_name(True, column), f"{spread}: values shared by many")
        return Suspicion(column=column, kind="personal trait", classification="confidential", evidence=evidence)
    return None


def _by_name(named: bool, column: str) -> tuple[str, ...]:
    return (f"the column is called '{column}'",) if named else ()
