import pickle

from workbench.errors import BadInput, MachineError, UserError, WorkbenchError, unknown


def test_an_error_is_a_letter_of_three_lines():
    error = BadInput("weeks is 99", why="at most 52", fix="weeks=52")
    assert str(error) == "weeks is 99\n  why: at most 52\n  fix: weeks=52"
    assert error.letter() == {"what": "weeks is 99", "why": "at most 52", "fix": "weeks=52"}


def test_a_users_mistake_exits_with_2_and_a_machines_with_3():
    assert (UserError.exit_code, BadInput.exit_code, MachineError.exit_code, WorkbenchError.exit_code) == (2, 2, 3, 3)


def test_an_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(BadInput("a", why="b", fix="c")))
    assert isinstance(error, BadInput)
    assert error.letter() == {"what": "a", "why": "b", "fix": "c"}


def test_a_notebook_shows_the_letter_and_not_our_stack():
    lines = BadInput("a", why="b", fix="c")._render_traceback_()
    assert lines == ["BadInput: a", "  why: b", "  fix: c"]


def test_a_misspelt_name_is_answered_with_the_nearest():
    assert unknown("template", "trian", ["train", "score"]).why == "did you mean 'train'?"


def test_a_strange_name_is_answered_with_what_there_is():
    assert unknown("template", "zzz", ["train", "score"]).why == "there is 'score', 'train'"
    assert unknown("template", "zzz", []).why == "there is no template yet"
