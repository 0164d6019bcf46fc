"""The credentials below are put together while the test runs: none is real, and none stands in this file."""

import json
import random
import zlib

import pytest

from workbench.readiness.patterns import Hit, entropy, scan

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def letters(n, alphabet=BASE62):
    return "".join(random.Random(7).choices(alphabet, k=n))


def checksummed(prefix):
    """A token of the form that GitHub and npm use, with its right checksum."""
    body = letters(30)
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return f"{prefix}{body}{digits}"


KEY = "-----BEGIN " + "RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq0" + "\n"
PYPI = "pypi-" + "AgEIcHlwaS5vcmc" + letters(60)
AWS = "AKIA" + letters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
SLACK = "xox" + "b-123456789012-" + letters(24)
GOOGLE = "AIza" + letters(35)
FACE = "hf_" + letters(34, BASE62[10:])
URL = "postgresql://ana:" + "tR7vX2kQ9w" + "@db.example.org/shop"


@pytest.mark.parametrize(
    ("text", "kind", "certain"),
    [
        (checksummed("ghp_"), "GitHub token (ghp_…)", True),
        (checksummed("ghs_"), "GitHub token (ghs_…)", True),
        (checksummed("npm_"), "npm token", True),
        (PYPI, "PyPI token", True),
        (KEY, "private key", True),
        (AWS, "AWS access key", False),
        (SLACK, "Slack token", False),
        (GOOGLE, "Google API key", False),
        (FACE, "Hugging Face token", False),
        (URL, "password in a URL", False),
    ],
    ids=lambda value: "" if isinstance(value, str) and len(value) > 25 else str(value),
)
def test_every_form_is_found_with_its_line(text, kind, certain):
    assert list(scan(f"first\ntoken = {text}\n".encode())) == [Hit(2, kind, certain)]


@pytest.mark.parametrize(
    "text",
    [
        "ghp_" + letters(36),  # the checksum is wrong
        "npm_" + "a" * 36,
        "AKIA" + "IOSFODNN7" + "EXAMPLE",  # from Amazon's documentation
        "AKIA" + "A" * 16,
        "hf_" + "x" * 34,
        "-----BEGIN PRIVATE " + "KEY-----\n...\n",
        "postgresql://ana:" + "${PASSWORD}" + "@db/shop",
        "postgresql://ana:" + "********" + "@db/shop",
        "https://example.org/a:b@c",
        "x" + AWS,
        AWS + "X",
        "",
    ],
)
def test_what_only_looks_alike_is_no_hit(text):
    assert list(scan(text.encode())) == []


def test_a_token_after_a_line_break_in_a_notebook_is_found():
    notebook = json.dumps({"outputs": [{"text": f"login\n{checksummed('ghp_')}\n"}], "source": KEY}, indent=1)
    assert {(hit.line, hit.kind) for hit in scan(notebook.encode())} == {(4, "GitHub token (ghp_…)"), (7, "private key")}


def test_a_hit_does_not_hold_the_credential():
    token = checksummed("ghp_")
    (hit,) = scan(token.encode())
    assert token[8:] not in repr(hit)


@pytest.mark.parametrize(("text", "bits"), [("", 0), ("aaaa", 0), ("ab", 1), ("abcd", 2), ("aabb", 1)])
def test_entropy_is_in_bits_a_character(text, bits):
    assert entropy(text) == pytest.approx(bits)
