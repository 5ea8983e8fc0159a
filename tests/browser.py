"""A headless Chromium, spoken to over its DevTools pipe: no driver, no port, no library."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

_PATIENCE = 30.0  # seconds

_EXEC = """
import fcntl, os, sys
for place, fd in zip((3, 4), [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]):
    os.dup2(fd, place)  # where Chromium looks for its pipes
os.execv(sys.argv[3], sys.argv[3:])
"""


def chromium() -> str:
    """Its program, or a skip."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium here; on Debian: apt-get install chromium")


class Browser:
    """One page of a browser of its own, without anything of the user's."""

    def __init__(self, folder: Path, dark: bool = False) -> None:
        program = chromium()
        (their_in, self._out), (self._in, their_out) = os.pipe(), os.pipe()
        flags = [
            *("--headless=new", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={folder}"),
            *("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"),
            *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--force-color-profile=srgb"),
        ]
        words = [sys.executable, "-ISc", _EXEC, str(their_in), str(their_out), program, *flags, "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(words, pass_fds=(their_in, their_out), start_new_session=True, **quiet)
        os.close(their_in)
        os.close(their_out)
        self._rest, self._number, self._session = b"", 0, ""
        self.told: list[dict[str, Any]] = []  # events of the page
        try:
            self._attach(dark)
        except BaseException:
            self.__exit__()
            raise

    def _attach(self, dark: bool) -> None:
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it has children
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **words: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": words}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.told.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._in, 2**16)
            assert data, "the browser has ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def size(self, width: int, height: int) -> None:
        """Make the window so large."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def open(self, address: str) -> None:
        """Go to a page, and wait until it has been read."""
        self.call("Page.navigate", url=address)
        self.until("location.protocol !== 'about:' && document.readyState === 'complete'")

    def look(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _PATIENCE
        while not self.look(expression):
            assert time.monotonic() < end, f"never: {expression}"
            time.sleep(0.05)

    def picture(self, file: Path) -> None:
        """Write all of the page as it looks."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """Exceptions, errors on the console and violations of the page's policy."""
        found = []
        for one in self.told:
            method, words = one.get("method"), one.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(words["exceptionDetails"]["text"])
            if method == "Log.entryAdded" and words["entry"]["level"] in ("error", "warning"):
                found.append(words["entry"]["text"])
            if method == "Runtime.consoleAPICalled" and words["type"] in ("error", "warning", "assert"):
                found.append(str(words["args"]))
        return found

    def asked(self) -> list[str]:
        """Addresses that the page asked for."""
        requests = (one for one in self.told if one.get("method") == "Network.requestWillBeSent")
        return [one["params"]["request"]["url"] for one in requests]
