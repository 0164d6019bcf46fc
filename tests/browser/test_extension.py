"""The Lab extension in a real Lab and a real browser.

Needs jupyterlab, this package, Playwright's driver and a Chromium of the system.
Set `WORKBENCH_SHOTS` to a folder to keep a screenshot of the end of each test.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("jupyterlab", reason="the Lab extension needs jupyterlab")
pytest.importorskip("playwright", reason="driving a browser needs playwright")
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EXTENSION = Path(sysconfig.get_path("data"), "share/jupyter/labextensions/notebook-workbench")
TOKEN = "browser-test"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
    pytest.mark.skipif(not EXTENSION.is_dir(), reason="the extension is not in this environment: pip install -e ."),
]


@dataclass(frozen=True)
class Lab:
    """A running Lab. `url` ends with a base path that is not the root, since a hub gives each user one."""

    url: str
    root: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "root"
    for path, text in {
        "churn/workbench.toml": "",
        "churn/notebooks/deep/a.ipynb": "{}",
        "fresh/workbench.toml": "",
        "elsewhere/data/b.csv": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    config = folder / "config" / "labconfig"
    config.mkdir(parents=True)
    # "Would you like to get notified about official Jupyter news?" would lie over what we look at.
    (config / "page_config.json").write_text(
        json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}})
    )
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--ServerApp.base_url=/user/x/", f"--ServerApp.root_dir={root}"]
    command += [f"--IdentityProvider.token={TOKEN}", "--LabApp.expose_app_in_browser=True"]
    own = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    log = folder / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env={**os.environ, **own}, stdout=out, stderr=subprocess.STDOUT)
    try:
        lab = Lab(f"http://127.0.0.1:{port}/user/x/", root)
        wait_until(lambda: answers(f"{lab.url}api/status?token={TOKEN}"), timeout_s=60, otherwise=log.read_text)
        yield lab
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["Light", "Dark"])
def window(request: pytest.FixtureRequest, lab: Lab, browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """Lab in one theme, ready for the first key, and the list to which its console adds errors and warnings."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(f"{line.text} {line.location['url']}") if is_bad(line) else None)
    page.goto(f"{lab.url}lab?reset&token={TOKEN}", wait_until="domcontentloaded")
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
    page.wait_for_selector(".jp-Launcher")
    run(page, "apputils:change-theme", theme=f"JupyterLab {request.param}")
    page.wait_for_selector(f"body[data-jp-theme-name='JupyterLab {request.param}']", state="attached")
    yield page, complaints
    page.close()


@pytest.fixture
def page(request: pytest.FixtureRequest, window: tuple[Page, list[str]]) -> Iterator[Page]:
    """The window, cleared afterwards; the test fails if the console complains about us."""
    page, complaints = window
    yield page
    if "WORKBENCH_SHOTS" in os.environ:
        page.screenshot(path=Path(os.environ["WORKBENCH_SHOTS"], f"{request.node.name}.png"))
    page.keyboard.press("Escape")  # closes a dialog
    run(page, "application:close-all")
    assert [line for line in complaints if "workbench" in line or "report.html" in line] == []


def test_the_palette_opens_the_report_of_the_project_above(lab: Lab, page: Page) -> None:
    write_report(lab, "AUC 0.81")
    run(page, "filebrowser:go-to-path", path="churn/notebooks/deep")
    run(page, "apputils:activate-command-palette")
    page.keyboard.type("open the latest report")
    page.keyboard.press("Enter")
    page.wait_for_selector(".jp-mod-current:has-text('report.html')")
    expect(report(page)).to_have_text("AUC 0.81")


def test_a_report_that_is_open_is_read_again(lab: Lab, page: Page) -> None:
    write_report(lab, "AUC 0.81")
    run(page, "filebrowser:go-to-path", path="churn")
    run(page, "workbench:open-report")
    expect(report(page)).to_have_text("AUC 0.81")
    write_report(lab, "AUC 0.84")
    run(page, "workbench:open-report")
    expect(report(page)).to_have_text("AUC 0.84")
    assert page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab:has-text('report.html')").count() == 1


@pytest.mark.parametrize(
    ("folder", "what", "why", "fix"),
    [
        ("fresh", "No report.html here", "project “/fresh”", "workbench production pipeline"),
        ("elsewhere/data", "No Workbench project here", "neither “/elsewhere/data” nor", "workbench init"),
    ],
    ids=["no report", "no project"],
)
def test_what_is_missing_is_told_with_the_way_out(page: Page, folder: str, what: str, why: str, fix: str) -> None:
    run(page, "filebrowser:go-to-path", path=folder)
    start(page, "workbench:open-report")
    letter = page.get_by_role("dialog")
    expect(letter.locator(".jp-Dialog-header")).to_have_text(what)
    expect(letter.locator("dd").first).to_contain_text(why)
    expect(letter.locator("dd code")).to_contain_text(fix)


def test_a_folder_that_is_gone_is_told_as_such(lab: Lab, page: Page) -> None:
    gone = lab.root / "elsewhere" / "gone"
    gone.mkdir()
    run(page, "filebrowser:go-to-path", path="elsewhere/gone")
    gone.rmdir()
    start(page, "workbench:open-report")
    expect(page.get_by_role("dialog").locator(".jp-Dialog-header")).to_have_text("Cannot look for the report")


def write_report(lab: Lab, text: str) -> None:
    (lab.root / "churn" / "report.html").write_text(f"<!doctype html><title>Churn</title><h1>{text}</h1>")


def report(page: Page) -> Locator:
    return page.frame_locator(".jp-HTMLViewer iframe").locator("h1")


def run(page: Page, command: str, **args: str) -> None:
    """Run a command of Lab, and wait for its end. (Its value is dropped: a widget does not fit through the driver.)"""
    page.evaluate("async ([c, a]) => { await window.jupyterapp.commands.execute(c, a); return null; }", [command, args])


def start(page: Page, command: str) -> None:
    """Start a command that ends only when its dialog is closed."""
    page.evaluate("c => { void window.jupyterapp.commands.execute(c); return null; }", command)


def is_bad(line: ConsoleMessage) -> bool:
    return line.type in ("error", "warning")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def wait_until(holds: Callable[[], bool], *, timeout_s: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(otherwise())
        time.sleep(0.1)
