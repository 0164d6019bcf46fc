from workbench.cli.plain import plain


def test_controls_are_written_out_and_text_stays():
    assert plain("a\tb\nc 😀 é [red]<b>") == "a\tb\nc 😀 é [red]<b>"
    assert plain("\x1b[31m\x07\r\x7f\x9b\u202e\x00") == "\\x1b[31m\\x07\\x0d\\x7f\\x9b\\u202e\\x00"
