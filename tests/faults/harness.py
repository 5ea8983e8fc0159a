"""Kinds of faults as data, and the client of the warm process that runs each of them."""

import json
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import oresort

SERVER = Path(__file__).with_name("server.py")

SECONDS = 60.0
"""Longer than that is a hang, also beside other work."""

_MEND = re.compile(
    r"; \S|\bmust\b|\bneed(s|ed)?\b|\bgive\b|\bknown (are|is)\b|\bchoose\b|\bexpected\b|did you mean"
    r"|\bat (least|most)\b|\bis (set by|chosen as)\b"
)
_LEFTOVER = re.compile(r"\.[\w-]+-[a-z0-9_]{8}(\.\w+)?|\..+\.part")  # names of files not yet whole


class End(NamedTuple):
    """How a command ended."""

    code: int | str  # negative: by that signal; "hang"
    seconds: float
    bytes: int
    cpu: float  # seconds
    out: str
    err: str
    modules: list[str]

    @property
    def errors(self) -> list[str]:
        """Every line of refusal."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


class Kind(NamedTuple):
    """One way to be wrong, and how it ends."""

    name: str
    words: str | list[str]  # typed
    broken: Callable[[Path], object] | None = None  # what is done to a copy of the world before
    says: str | None = None  # a pattern of the line that refuses; None: it is accepted
    holds: Callable[[Path, End], object] | None = None  # what is true after it
    lines: int = 1  # of refusal, for commands that go through many scans
    before: Sequence[Sequence[str]] = ()  # functions of the server, called in the command's process
    warns: str | None = None  # a pattern of a warning of an accepted one


class Server:
    """The warm process; `run` may be called by several threads at once."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._socket = f"{self._folder.name}/s"
        self._process = subprocess.Popen([sys.executable, str(SERVER), self._socket])
        while not Path(self._socket).exists():
            assert self._process.poll() is None, "the warm process did not start"
            time.sleep(0.01)
        time.sleep(0.05)  # it listens a moment after it has its name
        # once, here, in place of once in the first command of each kind and once more here
        source = Path(oresort.__file__).parent
        files = [file.relative_to(source.parent).with_suffix("") for file in source.rglob("[a-z]*.py")]
        self._ask({"import": sorted(".".join(file.parts) for file in files)})

    def run(
        self,
        folder: Path,
        words: str | Sequence[str],
        *,
        before: Iterable[Sequence[Any]] = (),
        warm: bool = False,
        seconds: float = SECONDS,
        stop: Mapping[str, Any] | None = None,
    ) -> End:
        """Run a command in a folder; `stop` holds keywords of the server's `Stop`.

        With `warm`, what it has imported is imported for those after it.
        """
        typed = shlex.split(words) if isinstance(words, str) else list(words)
        logs = folder.parent / f"{folder.name}.logs"
        request = {"folder": str(folder), "words": typed, "logs": str(logs), "seconds": seconds, "modules": warm}
        request["stop"] = dict(stop) if stop else None
        end = End(**self._ask(request | {"before": [list(call) for call in before]}))
        if warm:
            self._ask({"import": end.modules})
        return end

    def _ask(self, request: object) -> Any:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._socket)
            with connection.makefile("rw") as stream:
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                return json.loads(stream.readline() or "{}")

    def end(self) -> None:
        """Stop the process."""
        self._ask("end")
        self._process.wait(60)
        self._folder.cleanup()


def copied(world: Path, to: Path) -> Path:
    """Copy a folder whole; by `cp`, since Python takes five times as long for as many small files."""
    to.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(world), str(to)], check=True)
    return to


def leftovers(folder: Path) -> list[str]:
    """Return the files below a folder that are not yet whole, by their names."""
    return [str(file.relative_to(folder)) for file in folder.rglob(".*") if _LEFTOVER.fullmatch(file.name)]


def wrong_with(kind: Kind, end: End, base: int, folder: Path) -> list[str]:
    """Return all in which a command did not end as the table says; `base` is the warm process's own size, bytes."""
    found = []
    if isinstance(end.code, str) or end.code < 0:
        found.append(f"ended by {end.code}")
    if "Traceback (most recent call last)" in end.err + end.out:
        found.append("a stack trace")
    if end.bytes - base > 2 << 30:
        found.append(f"took {end.bytes / 2**30:.1f} GB")
    if left := leftovers(folder):
        found.append(f"left {left[0]}")
    if kind.says is None:
        if end.code != 0 or end.errors:
            found.append(f"refused (code {end.code})")
        if kind.warns and not re.search(f"warning: .*({kind.warns})", end.err):
            found.append(f"no warning of {kind.warns!r}")
    else:
        if end.code != 1:
            found.append(f"exit code {end.code}")
        if len(end.errors) != kind.lines:
            found.append(f"{len(end.errors)} lines of refusal")
        if end.errors and not re.search(kind.says, end.errors[-1]):
            found.append(f"no {kind.says!r} in it")
        found += [f"no mend: {line}" for line in end.errors if not _MEND.search(line)]
    if kind.holds and not found:
        try:
            kind.holds(folder, end)
        except Exception as error:
            found.append(f"does not hold: {type(error).__name__}: {error}")
    return found
