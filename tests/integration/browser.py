"""A headless Chromium for the tests of the pages, driven by the DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from processes import PATIENCE_S

PROGRAMS = ("chromium-headless-shell", "chromium")
FLAGS = (
    "--remote-debugging-pipe",
    "--headless",
    "--no-sandbox",  # Chromium refuses to run as root with one.
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    # Whatever a page asks for from elsewhere fails at once; the tests find out that it asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "ArrowRight": (39, ""),
    " ": (32, " "),
}


class Browser:
    """Ends with the `with` block of `browser()`."""

    def __init__(self, folder: Path) -> None:
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        assert program, f"{PROGRAMS[0]} is missing: ./dev test installs it"
        theirs_in, self._out = map(above_ten, os.pipe())
        self._in, theirs_out = map(above_ten, os.pipe())
        # Chromium reads from descriptor 3 and writes to 4.
        command = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._log = open(folder / "chromium.log", "wb")
        self.process = subprocess.Popen(
            ["bash", "-c", command, program, *FLAGS, f"--user-data-dir={folder / 'profile'}"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = itertools.count(1)
        self._bytes = b""
        self._pages: dict[str, Page] = {}

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._send({"id": next(self._numbers), "method": "Browser.close"})
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            os.close(self._in)
            os.close(self._out)
            self._log.close()

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        """Asks, and gives events to their pages until the answer is there."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._send({**message, "sessionId": session} if session else message)
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            page = self._pages.get(answer.get("sessionId", ""))
            if page and "method" in answer:
                page.take(answer["method"], answer["params"])

    def open(self, url: str, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call(
            "Target.createTarget", url="about:blank", browserContextId=context
        )["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.look(width, height, dark)
        page.call("Page.navigate", url=url)
        page.until("document.readyState === 'complete'")
        return page

    def _send(self, message: dict) -> None:
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]

    def _receive(self) -> dict:
        while b"\0" not in self._bytes:
            assert select.select([self._in], [], [], PATIENCE_S)[0], "Chromium is silent"
            piece = os.read(self._in, 1 << 20)
            assert piece, "Chromium has ended"
            self._bytes += piece
        message, self._bytes = self._bytes.split(b"\0", 1)
        return json.loads(message)


class Page:
    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []  # URLs
        self.problems: list[str] = []  # what a developer's console shows in red
        self.failed_loads: list[str] = []

    def call(self, method: str, **parameters: object) -> dict:
        return self._browser.call(method, self._session, **parameters)

    def take(self, event: str, told: dict) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.problems.append(str(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.problems.append(str(told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            load = told["entry"]["source"] == "network"
            (self.failed_loads if load else self.problems).append(str(told["entry"]))

    def evaluate(self, expression: str) -> Any:
        done = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
            replMode=True,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f"{condition}\n{self.text('body')}"
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def look(self, width: int, height: int, dark: bool) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str) -> None:
        code, text = KEYS[key]
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text,
                      windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def picture(self, **options: object) -> bytes:
        """Of the whole page."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True, **options)
        return base64.b64decode(told["data"])

    def close(self) -> None:
        self.call("Page.close")


def above_ten(descriptor: int) -> int:
    """The shell puts it at 3 or 4, so it must not be there."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    started = Browser(folder)
    try:
        yield started
    finally:
        started.close()
