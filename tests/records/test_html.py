from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from workbench.findings import Finding, Outcome
from workbench.records.html import Bar, card
from workbench.records.run import RunList
from workbench.records.view import View

OURS = {"div", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "span", "progress"}
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)


class Read(HTMLParser):
    """What a browser would show: the tags, and the text of each piece."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.told = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.told.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@given(words, words, words, words, words)
def test_whatever_a_record_says_is_text_and_never_markup(title, name, value, source, command):
    hostile = View(title=title, facts=((name, value),), columns=(name,), rows=((value,),), text=source, next=(command,))
    read = Read(card(hostile, bars=[Bar(name, 1, 2, value)]))
    assert {tag for tag, _ in read.tags} == OURS
    assert title in read.told
    assert source in read.told
    assert command in read.told
    assert read.told.count(name) >= 3


def test_markup_in_a_record_is_shown_and_does_nothing():
    read = Read(card(View(title='<img src=x onerror="alert(1)">', text="</pre><script>1</script>")))
    assert (read.named("img"), read.named("script")) == ([], [])
    assert read.told == ['<img src=x onerror="alert(1)">', "</pre><script>1</script>"]


def test_an_outcome_is_told_by_a_word_and_not_by_its_colour_alone():
    findings = (
        Finding(check="c.one", outcome=Outcome.PASS, message="all rows"),
        Finding(check="c.two", outcome=Outcome.FAIL, message="3 rows repeat the key", fix="remove them"),
        Finding(check="c.three", outcome=Outcome.NOT_APPLICABLE, message="no key"),
    )
    told = "".join(Read(card(View(title="t", findings=findings))).told)
    assert told == "t✗ failc.two: 3 rows repeat the keyfix: remove them· not applicablec.three: no key✓ passc.one: all rows"


def test_many_passes_are_folded_away_and_counted_and_what_failed_is_not():
    many = [Finding(check=f"c.{n}", outcome=Outcome.PASS, message="fine") for n in range(20)]
    html = card(View(title="t", findings=(*many, Finding(check="bad", outcome=Outcome.FAIL, message="no"))))
    before, folded = html.split("<details>")
    assert "bad: no" in before
    assert "c.1: fine" not in before
    assert "20 checks passed, 0 known facts" in folded


def test_a_bar_is_the_browsers_own_with_its_words_beside_it():
    read = Read(card(View(title="t"), bars=[Bar("train", 3, 7, "3 of 7 cells, 12 s")]))
    (bar,) = read.named("progress")
    assert (bar["value"], bar["max"], bar["aria-label"]) == ("3", "7", "train: 3 of 7 cells, 12 s")
    assert read.told == ["t", "train", "3 of 7 cells, 12 s"]


def test_every_record_shows_its_view_in_a_notebook():
    assert Read(RunList(runs=())._repr_html_()).told == ["0 runs"]
