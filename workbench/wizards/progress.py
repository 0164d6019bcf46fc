"""A card that lives while something goes on: drawn anew as it changes, with a button to stop it.

It is a widget only while it lives. At the end its place in the notebook is taken by the same card as plain HTML: that is what
is saved, and what is seen later without a kernel, on a page, or in a notebook that papermill has executed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import ipywidgets
from IPython.display import DisplayHandle

EVERY_S = 0.2  # between two drawings at least
CLOCK_S = 1.0  # the time that has passed is shown even when nothing happens
WIDGET = "application/vnd.jupyter.widget-view+json"


class LiveCard:
    """draw: the card as HTML; plain: the same in one line; stop: called, in a thread of its own, when the button is pressed."""

    def __init__(self, draw: Callable[[], str], plain: Callable[[], str], stop: Callable[[], object]) -> None:
        self._draw, self._plain, self._stop = draw, plain, stop
        self._html = ipywidgets.HTML(draw(), layout=ipywidgets.Layout(flex="0 1 72em", margin="0", min_width="0"))
        self._button = ipywidgets.Button(
            description="Stop", tooltip="Stop it; what is done is kept", icon="stop", layout=ipywidgets.Layout(flex="0 0 8em")
        )
        self._button.on_click(self._pressed)
        box = ipywidgets.HBox([self._html, self._button])
        _hear_while_a_cell_waits(self._button)
        self._changed, self._over = threading.Event(), threading.Event()
        widget = box._repr_mimebundle_()[WIDGET]
        self._place = DisplayHandle()  # type: ignore[no-untyped-call]
        self._place.display({WIDGET: widget, **self._static()}, raw=True)  # type: ignore[no-untyped-call]
        self._ticker = threading.Thread(target=self._tick, daemon=True, name="progress")
        self._ticker.start()

    def hear(self, _line: str) -> None:
        self._changed.set()

    def ended(self) -> None:
        """Draw the end, and leave the notebook a card that needs no kernel."""
        self._over.set()
        self._changed.set()
        self._ticker.join()
        self._html.value = self._draw()  # for a page that was loaded anew meanwhile and no longer takes the other
        self._button.layout.display = "none"
        self._place.update(self._static(), raw=True)  # type: ignore[no-untyped-call]

    def _static(self) -> dict[str, str]:
        return {"text/html": self._draw(), "text/plain": self._plain()}

    def _tick(self) -> None:
        while not self._over.wait(EVERY_S):
            self._changed.wait(CLOCK_S)
            self._changed.clear()
            self._html.value = self._draw()

    def _pressed(self, button: ipywidgets.Button) -> None:
        button.disabled, button.description = True, "Stopping …"
        threading.Thread(target=self._stop, daemon=True, name="stop").start()


def _hear_while_a_cell_waits(button: ipywidgets.Button) -> None:
    """Take clicks in the thread that the page has asked the kernel for (a subshell), so that they count while a cell waits.

    ipykernel 7.4 sends them to the thread that the widget last spoke from, which is busy then; other versions are left alone.
    """
    with suppress(AttributeError):
        del button.comm._reply_subshell_id
