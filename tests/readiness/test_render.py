from html.parser import HTMLParser

import pytest

from tests.records.test_scorecard import card, result
from workbench.readiness.render import fragment, markdown, page
from workbench.records.scorecard import LIMITS, Level, Pillar

TAG = "<img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """The names of the tags, in order; raises for one that is closed and was not open."""

    def __init__(self, text):
        super().__init__()
        self.names, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag not in ("meta", "br", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("li", "p"):
            while self.open[-1] in ("li", "p"):
                self.open.pop()
            assert self.open.pop() == tag
        elif self.open[-1] == tag:
            self.open.pop()


@pytest.fixture
def hostile():
    """A scorecard in which every text that can come from outside is an HTML tag."""
    made = card(result("c", Level.MUST_FIX, score=0.0, title=TAG, reason=TAG, remedy=TAG, source=TAG, blocker=True))
    return made.model_copy(update={"project": TAG, "environment": TAG, "actor": TAG})


@pytest.mark.parametrize("draw", [page, fragment])
def test_a_tag_in_a_name_shows_as_text(hostile, draw):
    drawn = draw(hostile)
    assert "img" not in Tags(drawn).names
    assert drawn.count("&lt;img src=x onerror=alert(1)&gt;") >= 6


def test_a_tag_in_a_name_is_text_in_markdown_as_well(hostile):
    assert "<img" not in markdown(hostile)
    assert "&lt;img src=x onerror=alert(1)&gt;" in markdown(hostile)


def test_a_page_is_whole_and_asks_for_nothing_from_outside():
    drawn = page(card(result(score=0.95)))
    assert drawn.lstrip().startswith("<!doctype html>")
    assert Tags(drawn).open == []
    assert not any(word in drawn for word in ("http:", "https:", "<script", "@import", "url("))


def test_a_fragment_styles_nothing_but_itself():
    drawn = fragment(card(result(score=0.95)))
    assert not {"html", "head", "body"} & set(Tags(drawn).names)
    style = drawn.partition("<style>")[2].partition("</style>")[0]
    selectors = [line.split("{")[0].strip() for line in style.splitlines() if line.startswith(".")]
    assert selectors
    assert all(selector.startswith(".wb-card") for selector in selectors)


@pytest.mark.parametrize("draw", [page, fragment, markdown])
def test_every_face_says_what_the_scorecard_does_not_say(draw):
    drawn = draw(card(result(score=0.95))).replace("&#39;", "'")
    assert all(limit in drawn for limit in LIMITS)


def test_without_evidence_no_number_stands_beside_the_verdict():
    drawn = fragment(card(result(level=Level.SKIPPED), level=Level.NOT_ENOUGH, score=None, coverage=0.0))
    assert 'class="number"' not in drawn
    assert ">not enough evidence<" in drawn


def test_markdown_cells_hold_on_one_line():
    row = result("c", Level.IMPROVE, score=0.7, title="a | b\nc", pillar=Pillar.DATA, ready=10, must_fix=20, unit="ms")
    lines = markdown(card(row)).splitlines()
    assert r"| a \| b c | improve | 70 | seen | ready at 10, must fix beyond 20 ms; house default |" in lines


def test_markdown_begins_with_the_headline():
    assert markdown(card(result(score=0.95))).startswith("# Readiness of shop: ready: 95 of 100\n")
