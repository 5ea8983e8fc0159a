"""One warm process that runs commands in forks of itself, so that torch and lightning are imported once.

Run as `python server.py SOCKET`. A request is a line of JSON on a connection of its own, and so is the answer.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import IO

MORE = 2 << 30  # bytes that a command may take beyond this process
_NEW_MOUNTS, _RECURSIVE_PRIVATE, _READ_ONLY = 0x20000, 0x44000, 1


def serve(path: str) -> None:
    """Answer requests until one is `end`."""
    commands: list[Command] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        gc.set_threshold(100_000, 20, 20)  # of commands this short
        while True:
            # what waits for files is looked for all the time
            listening.settimeout(None if not commands else 0.0 if any(c.stop for c in commands) else 0.003)
            with suppress(TimeoutError, BlockingIOError):
                connection, _ = listening.accept()
                connection.setblocking(True)
                stream = connection.makefile("rw")
                request = json.loads(stream.readline())
                if request == "end":
                    os._exit(0)  # to put away all that is imported would take seconds
                if "import" in request:
                    for name in request["import"]:
                        _import(name)
                    _composed()
                    gc.collect()
                    gc.freeze()  # or each fork would copy, page by page, what it looks through for garbage
                    _answered(connection, stream, {})
                else:
                    commands.append(Command(connection, stream, request))
            commands = [command for command in commands if not command.ended()]


def _answered(connection: socket.socket, stream: IO[str], answer: dict) -> None:
    with connection, stream:
        stream.write(json.dumps(answer) + "\n")


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception:  # a part of some library that only its own package may import
        sys.modules.pop(name, None)


def _composed() -> None:
    """Compose a training once, or each fork would make anew what the readers of words and files keep."""
    import yaml

    from oresort.console.compose import composed
    from oresort.learn.config import TrainConfig
    from oresort.learn.sweep import register_resolvers

    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    register_resolvers()
    composed("train", TrainConfig, "data.root=x", "optim.lr=1e-3")


class Command:
    """One command in a fork; what it answers is its exit code (negative: by a signal), seconds, peak bytes, outputs."""

    def __init__(self, connection: socket.socket, stream: IO[str], request: dict) -> None:
        self.asked, self.folder, self.limit = (connection, stream), Path(request["folder"]), request["seconds"]
        self.logs = Path(request["logs"])
        self.logs.mkdir(parents=True, exist_ok=True)
        self.stop = Stop(**request["stop"]) if request.get("stop") else None
        self.start = self.looked = time.monotonic()
        self.waited = 0.0  # seconds, but for those in which nobody looked: the machine slept or was busy elsewhere
        self.child = os.fork()
        if self.child == 0:
            _run(request, self.logs)

    def ended(self) -> bool:
        """Tell whether it is over, which is answered then; stop it if the moment has come, or if it hangs."""
        now = time.monotonic()
        seconds, self.waited, self.looked = now - self.start, self.waited + min(now - self.looked, 0.1), now
        done, code, usage = os.wait4(self.child, os.WNOHANG)
        status: int | str = os.waitstatus_to_exitcode(code) if done else "hang"
        if not done and self.waited > self.limit:
            os.killpg(self.child, signal.SIGKILL)
            done, _, usage = os.wait4(self.child, 0)
        elif not done and self.stop and self.stop.now(self.folder, seconds):
            os.kill(self.child, self.stop.signal)
            self.stop = None
        if done:
            modules = self.logs / "modules"
            told = {
                "code": status,
                "seconds": seconds,
                "bytes": usage.ru_maxrss * 1024,
                "cpu": usage.ru_utime + usage.ru_stime,
                "out": (self.logs / "out").read_text(errors="replace"),
                "err": (self.logs / "err").read_text(errors="replace"),
                "modules": modules.read_text().split() if modules.exists() else [],
            }
            _answered(*self.asked, told)
        return bool(done)


class Stop:
    """When a command is stopped and by which signal: once files of a pattern were seen for the nth time, and later."""

    def __init__(self, signal: int, files: str = "", nth: int = 1, after: float = 0.0) -> None:
        self.signal, self.files, self.nth, self.after = signal, files, nth, after
        self.seen: set[str] = set()
        self.since: float | None = None if files else 0.0

    def now(self, folder: Path, seconds: float) -> bool:
        """Tell whether the moment has come; asked again and again."""
        if self.since is None:
            # a half-written file has a name of its own each time
            self.seen.update(str(file) for file in folder.glob(self.files))
            if len(self.seen) >= self.nth:
                self.since = seconds
        return self.since is not None and seconds >= self.since + self.after


def _run(request: dict, logs: Path) -> None:
    """Be the command, in a process group and with files for output of its own, and never return."""
    code: object = 1
    try:
        os.setpgid(0, 0)
        os.chdir(request["folder"])
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(logs / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if not request["modules"]:  # while libraries are still mapped, a limit says nothing
            size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (size + MORE, size + MORE))
        verb, *words = request["words"]
        sys.argv = [f"oresort-{verb}", *words]
        sys.path.insert(0, "")
        for call in request["before"]:
            globals()[call[0]](*call[1:])
        name = "oresort.classic.__main__" if verb == "classic" else f"oresort.{verb}"
        code = 0
        importlib.import_module(name).main()
    except SystemExit as stop:
        code = stop.code
        if not isinstance(code, int | None):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    if request["modules"]:
        (logs / "modules").write_text(" ".join(sys.modules))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


# --- what a request may ask for before its command begins


def small_files(size: int) -> None:
    """Let no file grow beyond a size, bytes; writing more is an error, as Python sees to it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def read_only(folder: str) -> None:
    """Make a folder read-only, as a file system mounted so is."""
    _private()
    bind, remount = 4096, 32
    _mount(folder.encode(), folder, b"none", bind, None)
    _mount(b"none", folder, b"none", bind | remount | _READ_ONLY, None)
    os.chdir(Path.cwd())


def setting(name: str, value: str) -> None:
    """Set a variable of the environment, and forget the temporary folder that Python has chosen."""
    import tempfile

    os.environ[name] = value
    tempfile.tempdir = None


def dies_at_flush(number: int) -> None:
    """Be killed inside a write: where a half-named file is about to be flushed, for the nth time."""
    plain, calls = os.fsync, [0]

    def fsync(handle: int) -> None:
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        plain(handle)

    os.fsync = fsync


def dies_in(epoch: int) -> None:
    """Be killed in the first step of an epoch."""
    from oresort.learn.module import OreModule

    step = OreModule.training_step

    def training_step(self: OreModule, batch: dict) -> object:
        if self.current_epoch == epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, batch)

    OreModule.training_step = training_step


def _private() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _mount(b"none", "/", b"none", _RECURSIVE_PRIVATE, None)


def _mount(source: bytes, folder: str, kind: bytes, flags: int, options: bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source, os.fsencode(Path(folder).absolute()), kind, flags, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")


if __name__ == "__main__":
    serve(sys.argv[1])
