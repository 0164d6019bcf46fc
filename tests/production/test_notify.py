"""Webhooks are told to a real server on this machine, commands are real processes."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workbench.errors import BadInput
from workbench.production.notify import check_target, notify

EVENT = {"event": "failure", "schedule": "nightly", "run": "r-1", "state": "failed", "due": None, "text": "größer"}


@pytest.fixture
def hook():
    """A server that answers each POST with the next of `answers` (200 when there is none), and keeps what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(server.answers.pop(0) if server.answers else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/hook/s3cret"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_is_sent_the_event_as_json(hook):
    assert notify(hook.url, EVENT) == ""
    assert hook.got == [("/hook/s3cret", "application/json", EVENT)]


def test_a_webhook_can_be_a_secret(hook, monkeypatch):
    check_target("secret://ops-hook")
    assert notify("secret://ops-hook", EVENT) == "no secret named 'ops-hook'"
    monkeypatch.setenv("WORKBENCH_SECRET_OPS_HOOK", hook.url)
    assert notify("secret://ops-hook", EVENT) == ""
    assert len(hook.got) == 1


def test_a_webhook_that_is_out_of_order_is_tried_again(hook):
    hook.answers = [503, 429, 500]
    assert notify(hook.url, EVENT, pause_s=0.01) == ""
    assert len(hook.got) == 4


def test_a_webhook_that_stays_out_of_order_is_given_up(hook):
    hook.answers = [503] * 9
    assert notify(hook.url, EVENT, pause_s=0.01) == "127.0.0.1 answered 503 Service Unavailable, 4 times"
    assert len(hook.got) == 4


@pytest.mark.parametrize(("answer", "reason"), [(404, "Not Found"), (302, "Found")])
def test_an_answer_that_would_be_the_same_again_is_taken_and_no_redirect_is_followed(hook, answer, reason):
    hook.answers = [answer]
    assert notify(hook.url, EVENT) == f"127.0.0.1 answered {answer} {reason}"
    assert len(hook.got) == 1


def test_a_server_that_is_not_there_is_told_without_the_password_in_its_address(hook):
    hook.shutdown()
    hook.server_close()
    error = notify(hook.url, EVENT, pause_s=0.01)
    assert error.startswith("127.0.0.1 cannot be reached: ")
    assert "s3cret" not in error


def test_a_command_is_given_the_event_on_its_input_and_in_its_environment(tmp_path):
    words = "$WORKBENCH_EVENT $WORKBENCH_SCHEDULE $WORKBENCH_RUN $WORKBENCH_PROJECT"
    command = f"""sh -c 'cat > event.json; echo "{words}" > words'"""
    assert notify(command, EVENT, folder=str(tmp_path)) == ""
    assert json.loads((tmp_path / "event.json").read_text()) == EVENT
    assert (tmp_path / "words").read_text() == f"failure nightly r-1 {tmp_path}\n"


def test_a_command_is_no_shell(tmp_path):
    assert notify("touch one;touch two", EVENT, folder=str(tmp_path)) == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one;touch", "two"]


def test_a_command_that_fails_is_told_with_its_last_line(tmp_path):
    assert notify("sh -c 'echo no route >&2; exit 3'", EVENT, folder=str(tmp_path)) == "sh ended with 3: no route"
    assert notify("no-such-program now", EVENT) == "no-such-program cannot be started: No such file or directory"


def test_a_command_that_does_not_end_is_killed_with_its_children(tmp_path):
    began = time.monotonic()
    error = notify("sh -c 'sleep 60 & sleep 60'", EVENT, folder=str(tmp_path), command_s=0.3)
    assert error == "sh had not ended after 0.3 s"
    assert time.monotonic() - began < 10


def test_a_command_that_does_not_read_is_no_failure(tmp_path):
    assert notify("true", {**EVENT, "text": "x" * 1_000_000}, folder=str(tmp_path)) == ""


@pytest.mark.parametrize(
    "target", ["ftp://host/x", "file:///etc/passwd", "http://", "no-such-program", "", "echo 'unclosed", "slack://x y"]
)
def test_what_could_never_be_told_is_refused_before(target):
    with pytest.raises(BadInput):
        check_target(target)


@pytest.mark.parametrize("target", ["https://hooks.example.com/a?b=c", "http://localhost:1/x", "sh -c 'echo https://x'"])
def test_a_url_or_a_program_that_is_there_is_taken(target):
    assert check_target(target) is None
