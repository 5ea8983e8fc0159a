"""A process that decides on particles while this one finds more; it ends with this one, however that ends."""

import contextlib
import gc
import os
import pickle  # between two processes of this program alone: nothing that came from elsewhere is unpickled
import signal
import subprocess
import sys
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, cast

from oresort.console.threads import one_thread
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.runtime.decider import Decider
from oresort.runtime.model import Model
from oresort.runtime.onnx import OnnxModel
from oresort.runtime.stream.cutting import Worked
from oresort.runtime.stream.group import Group, Lateness, Made, made_of
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.cutter import load_libraries
from oresort.sorting.policy import Policy

_ROOM = 2**20  # bytes that a pipe holds where the system lets it: the particles of a block, so that nobody waits
_PATIENCE = 5.0  # seconds until it is known how it has ended


def workers_of(asked: int | None, model: Model) -> int:
    """Return how many processes decide beside the one that finds particles; None: as this machine's cores allow.

    Raises:
        InputError: some are asked for, and the model is no exported one.
    """
    exported = isinstance(model, OnnxModel)
    if asked and not exported:
        raise InputError(f"workers={asked}: {model.file} is a checkpoint; export it, or leave out workers=")
    if asked is not None:
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if exported and cores > 1 else 0


class Opening(NamedTuple):
    """What such a process has to know first."""

    model: str  # file
    digest: str  # SHA-256 of it
    policy: Policy
    threshold: float
    options: Cutting
    lateness: Lateness | None


class Beside:
    """Takes groups of particles and gives what was decided on them, in order.

    One thread may ask and another take the answers. Whoever asks must have told the other one of all questions before:
    it waits where too many answers were not taken.
    """

    def __init__(self, opening: Opening) -> None:
        self._calibration: Calibration | None = None
        self._failure: BaseException | None = None
        # the code that runs here, and none that lies in the working folder (-P)
        words = [sys.executable, "-P", "-m", "oresort.runtime.stream.beside"]
        found_in = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # a group of its own: Ctrl-C is for the process that the user sees, which lets this one finish
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=found_in, process_group=0
        )
        self._to, self._from = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        for pipe in (self._to, self._from):
            _widen(pipe)
        self._send(opening)

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ready(self) -> None:
        """Wait until it can decide; InputError if it cannot."""
        self._receive()

    def ask(self, worked: Worked) -> None:
        """Have decided what some lines gave; that it cannot any more is told by `answer`."""
        calibration = worked.sorter.calibration
        if calibration is not self._calibration:
            self._calibration = calibration
            self._send(calibration)
        self._send(worked.group)

    def answer(self) -> Made:
        """Return what was decided on the group of the oldest question that is open.

        Raises:
            InputError: the model answers with no probability, or the process has ended.
        """
        made: Made = self._receive()
        return made

    def close(self) -> None:
        """End it; what it was asked and did not answer is lost."""
        # first of all: a thread that writes to it while nobody takes its answers would hold the pipe for ever
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):
                pipe.close()

    def _send(self, content: object) -> None:
        try:
            pickle.dump(content, self._to, pickle.HIGHEST_PROTOCOL)
            self._to.flush()
        except BaseException as error:
            if not isinstance(error, OSError) and not self._to.closed:  # else it has ended, and `answer` says so
                self._failure = error
                self._process.kill()  # half a question is in the pipe: whoever waits for its answer must not
                raise

    def _receive(self) -> Any:
        try:
            content = pickle.load(self._from)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            if self._failure is not None:
                raise self._failure from None
            try:
                code = self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                code = None
            raise InputError(
                f"the process that decides on particles has ended ({code}); what it decided is on disk, the same "
                "command goes on from there, and workers=0 does without it"
            ) from error
        if isinstance(content, str):
            raise InputError(content)
        return content


def _widen(pipe: BinaryIO) -> None:
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _ROOM)


def _decide_for(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer questions until their source ends; an InputError is answered as its text, and is the last answer."""

    def tell(content: object) -> None:
        pickle.dump(content, sink, pickle.HIGHEST_PROTOCOL)
        sink.flush()

    opening: Opening = pickle.load(source)
    try:
        model = OnnxModel(opening.model)
        if model.digest != opening.digest:
            raise InputError(f"{opening.model}: was replaced while it was opened; start again")
        load_libraries()
        one_thread()
        gc.freeze()  # as the process that finds
        tell(None)
        decider: Decider | None = None
        while True:
            try:
                content: Calibration | Group = pickle.load(source)
            except (EOFError, pickle.UnpicklingError):  # between two questions, or amid one that was cut off
                return
            if isinstance(content, Calibration):
                decider = Decider(model, content, opening.policy, opening.threshold, opening.options)
            elif decider is not None:
                tell(made_of(decider, content, opening.lateness))
    except InputError as error:
        tell(str(error))


def main() -> None:
    """Entry point of the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends when the pipe does
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with contextlib.suppress(BrokenPipeError):
        _decide_for(sys.stdin.buffer, answers)
    os._exit(0)  # nothing is left to be done, and nobody may be there to take what is in the buffer


if __name__ == "__main__":
    main()
