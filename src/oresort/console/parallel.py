"""Run jobs in processes with the same result for any number of them."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import ModuleType
from typing import TypeVar

from threadpoolctl import threadpool_limits

from oresort.console.progress import track
from oresort.errors import InputError

Job = TypeVar("Job")
Done = TypeVar("Done")


def in_parallel(job: Callable[[Job], Done], items: list[Job], workers: int, what: str) -> list[Done]:
    """Return `job` of all items, in their order, computed by `workers` processes behind a progress bar `what`.

    Each process computes with one BLAS thread: two round differently from one, and a count would hang on it.

    Raises:
        InputError: a process died, or what a job raises.
    """
    if workers == 1 or len(items) == 1 or multiprocessing.current_process().daemon:  # which may have no children
        with threadpool_limits(1):
            return list(track(map(job, items), len(items), what))
    # spawn: the parent may hold threads (torch, BLAS) that a fork would leave broken
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(items)), context, initializer=_begin)
    try:
        with _without_main(job):
            done = pool.map(job, items)
        return list(track(done, len(items), what))
    except BrokenProcessPool as error:
        text = f"{what}: one of {workers} processes died, as they do where the memory is full"
        raise InputError(f"{text}; run the same command again, with fewer workers or more memory") from error
    finally:
        pool.shutdown(cancel_futures=True)  # else an interrupt waits until all items are done


def cores() -> int:
    """Return how many processes this one may run at once."""
    return len(os.sched_getaffinity(0))


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's Ctrl-C, which the parent answers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # of this module, so that a new process has loaded its BLAS before it is limited
    threadpool_limits(1)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        wait([parent.sentinel])
        os._exit(1)  # a parent that was killed could not say so, and its processes would wait for ever


@contextmanager
def _without_main(job: object) -> Iterator[None]:
    """Keep new processes from importing the user's script once more, which may have no guard, unless `job` is of it."""
    main = sys.modules["__main__"]
    if b"__main__" not in pickle.dumps(job):
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
