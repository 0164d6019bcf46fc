from workbench.production.compare.packages import PROJECT, compare, parse
from workbench.production.environment import environment_text

BEFORE = """\
./  sha256:0000111122223333
numpy==2.0.0  sha256:aaaa
gone==1.0  sha256:bbbb
mine==0.1.0  sha256:cccc  source:1111
Same==3.1  sha256:dddd
same_version==1.0  sha256:eeeeffffeeee5555
"""
AFTER = """\
./  sha256:9999111122223333
numpy==2.1.0  sha256:abab
mine==0.1.0  sha256:cccc  source:2222
come==0.5  sha256:ffff
same==3.1  sha256:dddd
same_version==1.0  sha256:ffffeeeeffff5555
"""


def test_each_package_that_changed_is_named_with_what_changed():
    assert {change.name: (change.a, change.b) for change in compare(BEFORE, AFTER)} == {
        PROJECT: ("sha256:000011112222", "sha256:999911112222"),
        "come": ("", "0.5"),
        "gone": ("1.0", ""),
        "mine": ("0.1.0 source:1111", "0.1.0 source:2222"),
        "numpy": ("2.0.0", "2.1.0"),
        "same_version": ("1.0 sha256:eeeeffffeeee", "1.0 sha256:ffffeeeeffff"),
    }
    assert compare(BEFORE, BEFORE) == ()


def test_the_environment_that_a_run_records_is_read_whole(tmp_path):
    (tmp_path / "mine.py").write_text("x = 1")
    text = environment_text(tmp_path)
    found = parse(text)
    assert len(found) == len(text.splitlines())
    assert all(package.sha256 and (package.version or package.name == "./") for package in found.values())
    assert found["notebook_workbench"].source


def test_a_line_that_is_none_of_ours_still_tells_two_environments_apart():
    assert [change.name for change in compare("odd line\n", "other line\n")] == ["odd line", "other line"]
