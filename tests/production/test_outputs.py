from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.production.outputs import OUTPUT, Outputs

PICTURE = {"output_type": "display_data", "data": {"text/plain": "a picture"}, "metadata": {}}
STEPS = st.one_of(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(max_size=400)).map(lambda t: {"print": t[0], "text": t[1]}),
    st.just({"add": PICTURE}),
    st.just({"clear": True}),
)


def after(*steps, kept=4 * OUTPUT):
    outputs = Outputs([], kept=kept)
    for step in steps:
        outputs.apply(step)
    outputs.settle()
    return outputs


def text(outputs, name="stdout"):
    return "".join(o["text"] for o in outputs.nodes if o.get("name") == name)


@given(st.lists(STEPS, max_size=30))
def test_the_steps_that_it_tells_lead_to_the_same_outputs_and_go_on_alike(steps):
    first = after(*steps)
    again = after(*first.steps())
    assert again.nodes == first.nodes
    for outputs in (first, again):
        for name in ("stdout", "stderr"):
            outputs.print(name, "and more " * 200)
        outputs.settle()
    assert again.nodes == first.nodes


@given(st.text(max_size=3000), st.lists(st.integers(0, 3000), max_size=20))
def test_in_what_pieces_a_text_comes_changes_nothing(whole, cuts):
    edges = sorted({0, len(whole), *(c for c in cuts if c < len(whole))})
    pieces = [{"print": "stdout", "text": whole[a:b]} for a, b in pairwise(edges)]
    assert text(after(*pieces)) == text(after({"print": "stdout", "text": whole}))


def test_of_too_much_text_the_first_and_the_last_are_kept_and_a_line_says_what_is_left_out():
    outputs = after({"print": "stdout", "text": "a" * 1000}, {"print": "stdout", "text": "z" * 10_000}, kept=2000)
    head = 1000 - OUTPUT
    told = f"\n[{11_000 - head - 1000:,} characters are left out here]\n"
    assert text(outputs) == "a" * head + told + "z" * 1000


def test_text_beyond_what_is_kept_goes_on_in_the_same_output():
    outputs = after({"print": "stdout", "text": "a" * 5000}, {"add": PICTURE}, {"print": "stdout", "text": "end"}, kept=2000)
    assert [o["output_type"] for o in outputs.nodes] == ["stream", "display_data"]
    assert text(outputs).endswith("aend")


def test_a_cell_that_changes_streams_a_million_times_has_few_outputs():
    turns = ({"print": name, "text": "x"} for _ in range(10_000) for name in ("stdout", "stderr"))
    outputs = after(*turns)
    assert len(outputs.nodes) <= 6
    assert sum(text(outputs, name).count("x") for name in ("stdout", "stderr")) > 0


def test_a_cleared_cell_begins_anew():
    outputs = after({"print": "stdout", "text": "a" * 5000}, {"clear": True}, {"print": "stdout", "text": "b"}, kept=2000)
    assert outputs.nodes == [{"output_type": "stream", "name": "stdout", "text": "b"}]


def test_prints_that_follow_each_other_are_one_output():
    outputs = after(*({"print": name, "text": name} for name in ("stdout", "stdout", "stderr", "stdout")))
    assert [(o["name"], o["text"]) for o in outputs.nodes] == [
        ("stdout", "stdoutstdout"),
        ("stderr", "stderr"),
        ("stdout", "stdout"),
    ]
