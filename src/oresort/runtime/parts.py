"""A batch answered in parts, side by side where there are threads for it."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

PART = 8
"""Pairs of a part, for any number of threads, so that answers do not depend on it: few enough that what a layer makes
of them stays in a core's cache."""

Part = TypeVar("Part")
Answers = NDArray[np.float32]


class Parts:
    """Answers batches on some threads, which begin with the first batch of several parts and end with this object.

    A part is made while those before it are answered. What answers must be safe to call from several threads, and gains
    as far as it lets go of the interpreter's lock, which ONNX Runtime does.
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._process = threads, 0
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, count: int, make: Callable[[slice], Part], answer: Callable[[Part], Answers]) -> Answers:
        """Return the answers (count,) to what `make` gives for each part; what either raises is raised."""
        if count <= PART:
            return answer(make(slice(count)))
        parts = [slice(start, start + PART) for start in range(0, count, PART)]
        if self._threads == 1:
            return np.concatenate([answer(make(part)) for part in parts])
        futures: list[Future[Answers]] = []
        try:
            futures.extend(self._threaded().submit(answer, make(part)) for part in parts)
            return np.concatenate([future.result() for future in futures])
        except BaseException:  # Ctrl-C, too: what has not begun must not
            for future in futures:
                future.cancel()
            raise

    def _threaded(self) -> ThreadPoolExecutor:
        # a process that was forked has none of the threads, and would wait for them for ever
        if self._pool is None or self._process != os.getpid():
            self._pool, self._process = ThreadPoolExecutor(self._threads), os.getpid()
        return self._pool
