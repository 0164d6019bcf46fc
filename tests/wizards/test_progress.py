"""The card that lives, in a real kernel: what a page is sent."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.slow

WIDGET = "application/vnd.jupyter.widget-view+json"
Message = dict[str, Any]
START = """
import threading, time
from workbench.wizards.progress import LiveCard
state, stopped = {"told": "begins"}, threading.Event()
def draw():
    return "<b>" + state["told"] + "</b>"
card = LiveCard(draw, lambda: state["told"], stopped.set)
"""
CHANGE = """
began_s = time.monotonic()
for n in range(200):
    state["told"] = f"at {n}"
    card.hear("")
    time.sleep(0.005)
state["told"] = "done"
card.ended()
print(time.monotonic() - began_s)
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, "PYTHONWARNINGS": "ignore"})
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def until_idle(client: BlockingKernelClient, request: str) -> list[Message]:
    """What the kernel tells a page while it executes, the cell itself and its states left out."""
    told: list[Message] = []
    while True:
        message = client.get_iopub_msg(timeout=60)
        content = message["content"]
        if message["msg_type"] == "status":
            if content["execution_state"] == "idle" and message["parent_header"].get("msg_id") == request:
                return told
        elif message["msg_type"] != "execute_input":
            assert message["msg_type"] != "error", content
            told.append({"type": message["msg_type"], **content})


@pytest.fixture
def execute(kernel: BlockingKernelClient) -> Callable[[str], list[Message]]:
    return lambda code: until_idle(kernel, kernel.execute(code))


def values(messages: list[Message]) -> list[str]:
    """What the card's HTML is set to."""
    states = [m["data"]["state"] for m in messages if m["type"] == "comm_msg" and "state" in m["data"]]
    return [state["value"] for state in states if "value" in state]


def test_a_card_is_a_widget_while_it_lives_and_plain_html_afterwards(execute: Callable[[str], list[Message]]) -> None:
    (shown,) = [m for m in execute(START) if m["type"] == "display_data"]
    assert set(shown["data"]) == {WIDGET, "text/html", "text/plain"}
    assert shown["data"]["text/html"] == "<b>begins</b>"  # for a page that knows no widgets

    told = execute(CHANGE)
    (end,) = [m for m in told if m["type"] == "update_display_data"]
    assert end["data"] == {"text/html": "<b>done</b>", "text/plain": "done"}
    assert end["transient"] == shown["transient"]
    assert values(told)[-1] == "<b>done</b>"
    took_s = float("".join(m["text"] for m in told if m["type"] == "stream"))
    assert 2 <= len(values(told)) <= took_s * 5 + 2  # it changed 200 times; five times a second is drawn, and the end


def test_the_button_is_heard_while_a_cell_waits(execute: Callable[[str], list[Message]], kernel: BlockingKernelClient) -> None:
    execute(START)
    ids = execute("print(card._button.comm.comm_id)")
    comm = ids[0]["text"].strip()
    kernel.control_channel.send(kernel.session.msg("create_subshell_request", {}))  # as JupyterLab does
    subshell = kernel.get_control_msg(timeout=30)["content"]["subshell_id"]
    waiting = kernel.execute("print(stopped.wait(20))")
    click = kernel.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}})
    click["header"]["subshell_id"] = subshell
    kernel.shell_channel.send(click)
    told = until_idle(kernel, waiting)
    assert "".join(m["text"] for m in told if m["type"] == "stream") == "True\n"
    assert any("Stopping" in json.dumps(m) for m in told)
    execute("card.ended()")
