"""What the cutting of secrets promises, for any secret in any text."""

import base64
import html
import json
import urllib.parse

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.production.secrecy.forms import forms, unsafe
from workbench.production.secrecy.redaction import Messages, Redactor

TOKEN = "sk-live/9fQ+x7Lm2=vT'4\"ä"
PEM = "-----BEGIN KEY-----\n" + "\n".join(base64.b64encode(bytes(range(i, i + 48))).decode() for i in (1, 60, 130)) + "\nQ0E=\n"

# few signs, so that secrets, texts and masks meet by chance; and all signs
signs = st.one_of(st.sampled_from("ab:[]secrt\n\\'\"/+ <"), st.characters(codec="utf-8"))
texts = st.text(signs, max_size=60)
secrets = st.text(signs, min_size=8, max_size=40).filter(lambda value: not unsafe(value))


def written(value):
    """Ways in which a program writes a text, each spelled out here by the library that a program would use."""
    data = value.encode()
    return {
        "plain": value,
        "repr": repr(value),
        "repr of bytes": repr(data),
        "json": json.dumps(value),
        "json, utf-8": json.dumps(value, ensure_ascii=False),
        "html": html.escape(value),
        "url path": urllib.parse.quote(value),
        "url query": urllib.parse.urlencode({"key": value}),
        "basic auth 0": base64.b64encode(b"abc" + data + b"zz").decode(),
        "basic auth 1": base64.b64encode(b"user" + data + b"zz").decode(),
        "basic auth 2": base64.b64encode(b"user:" + data + b"zz").decode(),
        "url-safe base64": base64.urlsafe_b64encode(data).decode(),
        "base64 of many lines": base64.encodebytes(data).decode(),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "terminal": value.replace("\n", "\r\n"),
    }


def cut(value, name="name"):
    try:
        return Redactor({name: value})
    except BadInput:  # it holds a bracket of every kind, or stands in its own mask
        assume(False)


@pytest.mark.parametrize("way", written(TOKEN))
def test_every_form_of_a_token_is_cut(way):
    text = written(TOKEN)[way]
    redacted = Redactor({"api": TOKEN}).text(f"before {text} after")
    assert redacted.startswith("before ") and redacted.endswith(" after")
    assert "[secret:api]" in redacted
    assert not any(form in redacted for form in forms(TOKEN))


@given(secrets, texts, texts)
@example("[secret:x]", "", "")
@example("]bcdefgh", "]bcdefgh", "bcdefgh")
@example("secret:name", "", "")
def test_whatever_stands_around_a_secret_none_of_its_forms_is_left(value, before, after):
    redactor = cut(value)
    for text in written(value).values():
        redacted = redactor.text(before + text + after)
        assert not any(form in redacted for form in forms(value))
        assert value not in redacted and value.encode().hex() not in redacted
        assert base64.b64encode(value.encode()).decode() not in redacted


@given(secrets, texts)
def test_text_without_the_secret_comes_back_as_the_same_object(value, text):
    assume(not any(form in text for form in forms(value)))
    redactor = cut(value)
    stream = redactor.stream()
    assert redactor.text(text) is text
    assert stream.feed(text) + stream.end() == text
    whole = {"a": [text, 1, None, True, 1.5], text: {"b": (text,)}}
    assert redactor.json(whole) is whole


@given(secrets, secrets, st.lists(texts, min_size=2, max_size=4), st.data())
def test_in_pieces_it_cuts_what_it_cuts_in_one(one, other, between, data):
    try:
        redactor = Redactor({"one": one, "other": other})
    except BadInput:
        assume(False)
    whole = between[0]
    for text in between[1:]:
        whole += data.draw(st.sampled_from([*forms(one), *forms(other), one[:-1], other[1:]])) + text
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    stream = redactor.stream()
    pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    assert "".join(map(stream.feed, pieces)) + stream.end() == redactor.text(whole)


@given(secrets, st.binary(max_size=40), st.binary(max_size=40))
def test_bytes_that_are_no_text_are_cut_too_and_else_kept(value, before, after):
    redactor = cut(value)
    redacted = redactor.data(before + value.encode() + after)
    assert not any(form.encode() in redacted for form in forms(value))
    assume(not any(form.encode() in before for form in forms(value)))
    assert redactor.data(before) is before


def test_a_stream_holds_back_only_what_may_begin_a_secret():
    stream = Redactor({"api": TOKEN}).stream()
    assert stream.feed("loss 0.3\n") == "loss 0.3\n"
    assert stream.feed("key: " + TOKEN[:5]) == "key: "
    assert stream.feed(" no") == TOKEN[:5] + " no"
    assert stream.feed(TOKEN[:9]) == ""
    assert stream.feed(TOKEN[9:] + "\n") == "[secret:api]\n"
    assert (stream.feed(TOKEN[:3]), stream.end(), stream.end()) == ("", TOKEN[:3], "")


def test_a_secret_is_cut_wherever_it_is_torn():
    redactor = Redactor({"key": PEM, "api": TOKEN})
    for form in forms(PEM) | forms(TOKEN):
        for place in range(0, len(form), 7 if len(form) > 100 else 1):
            stream = redactor.stream()
            assert stream.feed(form[:place]) + stream.feed(form[place:]) + stream.end() == redactor.text(form)
        stream = redactor.stream()
        assert stream.feed(form[:-1]) + stream.feed(form[-1:]) + stream.end() == redactor.text(form)


def test_a_whole_secret_is_shown_as_cut_at_once():
    assert Redactor({"api": "tok-12345678"}).stream().feed("tok-12345678") == "[secret:api]"


def test_space_around_a_value_and_the_line_ends_of_a_terminal_do_not_hide_it():
    redactor = Redactor({"a": " of 2 words\n", "b": "x1 y2\nz3 w4"})
    assert redactor.text("<of 2 words> x1 y2\r\nz3 w4") == "<[secret:a]> [secret:b]"


def test_of_a_key_of_many_lines_each_long_line_is_cut_and_the_whole_in_one():
    redactor = Redactor({"key": PEM})
    assert redactor.text(f"<{PEM}>") == "<[secret:key]>"
    line = PEM.splitlines()[2]
    assert redactor.text(f"line 2 is {line}.") == "line 2 is [secret:key]."
    assert redactor.text("-----BEGIN KEY-----") == "-----BEGIN KEY-----"
    assert redactor.text(base64.encodebytes(PEM.encode()).decode()).splitlines()[:4] == ["[secret:key]"] * 4
    stream = redactor.stream()
    assert "".join(map(stream.feed, PEM)) + stream.end() == "[secret:key]"


def test_of_two_secrets_the_longer_is_cut_where_one_is_part_of_the_other():
    redactor = Redactor({"user": "etl-robot-7", "url": "https://etl-robot-7@host"})
    assert redactor.text("https://etl-robot-7@host, etl-robot-7") == "[secret:url], [secret:user]"


def test_json_is_cut_in_keys_values_and_whole_numbers():
    redactor = Redactor({"api": TOKEN, "account": "1234567890123456"})
    value = {"a": [TOKEN, {TOKEN: 1234567890123456}], "b": True, "c": 7}
    assert redactor.json(value) == {"a": ["[secret:api]", {"[secret:api]": "[secret:account]"}], "b": True, "c": 7}


def test_a_secret_with_brackets_is_marked_with_other_ones():
    assert Redactor({"a": '{"key": ["x1y2"]}'}).text('is {"key": ["x1y2"]}') == "is (secret:a)"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("s3cr3t!", "fewer than 8 signs"),
        ("  s3cr3t!  ", "fewer than 8 signs"),
        ("abcabcabcabc", "fewer than four different signs"),
        ("password", "a plain word"),
        ("2026-11-22", "a number or a date"),
        ("20261122", "a number or a date"),
        ("abc\udcff1234", "not UTF-8"),
        ("a1[{<(|~`^", "no signs are left"),
        ("name", "fewer than 8"),
    ],
)
def test_a_value_that_cannot_be_cut_safely_is_refused_without_telling_it(value, why):
    with pytest.raises(BadInput, match=why) as caught:
        Redactor({"api": value})
    assert value not in str(caught.value)


def test_a_value_in_its_own_name_is_refused():
    with pytest.raises(BadInput, match="its name contains it"):
        Redactor({"hunter22-prod": "hunter22"})


def test_a_redactor_of_nothing_is_false_and_touches_nothing(tmp_path):
    redactor = Redactor({})
    value = {"a": ["b"]}
    assert not redactor
    assert redactor.json(value) is value
    assert redactor.search(tmp_path) == {}


def test_a_search_finds_every_form_in_any_file_and_in_names_also_over_the_edge_of_a_block(tmp_path):
    for number, text in enumerate(written(TOKEN).values()):
        (tmp_path / f"{number}.txt").write_text(f"x{text}y", encoding="utf-8")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "edge.bin").write_bytes(b"\0" * ((1 << 22) - 5) + TOKEN.encode())
    np.save(tmp_path / "array.npy", np.array([TOKEN]))
    (tmp_path / "none.txt").write_text(TOKEN[:-1] + TOKEN[1:])
    (tmp_path / "link").symlink_to(tmp_path / "0.txt")
    (tmp_path / "hunter-22-prod.csv").write_text("")
    found = Redactor({"api": TOKEN, "other": "hunter-22"}).search(tmp_path)
    texts = {f"{number}.txt": ("api",) for number in range(len(written(TOKEN)))}
    assert found == {**texts, "deep/er/edge.bin": ("api",), "array.npy": ("api",), "hunter-22-prod.csv": ("other",)}


def stream(name, text):
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


def test_a_print_that_a_kernel_sends_in_pieces_is_cut_and_each_stream_for_itself():
    messages = Messages(Redactor({"api": TOKEN}))
    pieces = [("stdout", "a " + TOKEN[:6]), ("stderr", TOKEN[:3]), ("stdout", TOKEN[6:]), ("stdout", "b" + TOKEN[:2])]
    shown = [messages.cut(stream(*piece), held=True)["content"]["text"] for piece in pieces]
    assert shown == ["a ", "", "[secret:api]", "b"]
    assert messages.rest(keep="stdout") == [("stderr", TOKEN[:3])]
    assert messages.rest() == [("stdout", TOKEN[:2])]
    assert messages.rest() == []


def test_what_is_forgotten_does_not_come_again():
    messages = Messages(Redactor({"api": TOKEN}))
    messages.cut(stream("stdout", TOKEN[:2]), held=True)
    messages.forget()
    assert messages.cut(stream("stdout", "b"), held=True)["content"]["text"] == "b"
    assert messages.cut(stream("stdout", TOKEN[:2]), held=False)["content"]["text"] == TOKEN[:2]


def test_in_any_other_message_content_metadata_and_buffers_are_cut():
    message = {
        "msg_type": "comm_msg",
        "header": {"msg_id": "1"},
        "content": {"data": {"state": {"value": TOKEN}}},
        "metadata": {"who": TOKEN},
        "buffers": [memoryview(b"\x00" + TOKEN.encode())],
    }
    assert Messages(Redactor({"api": TOKEN})).cut(message, held=True) == {
        "msg_type": "comm_msg",
        "header": {"msg_id": "1"},
        "content": {"data": {"state": {"value": "[secret:api]"}}},
        "metadata": {"who": "[secret:api]"},
        "buffers": [b"\x00[secret:api]"],
    }
