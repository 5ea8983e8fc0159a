"""Run jobs in processes with the same result for any number of them."""

import multiprocessing
from collections.abc import Callable
from typing import TypeVar

from threadpoolctl import threadpool_limits

from oresort.console.progress import track

Job = TypeVar("Job")
Done = TypeVar("Done")


def _one_thread() -> None:
    # of this module, so that a new process has loaded its BLAS before it is limited
    threadpool_limits(1)


def in_parallel(job: Callable[[Job], Done], items: list[Job], workers: int, what: str) -> list[Done]:
    """Return `job` of all items, in their order, computed by `workers` processes behind a progress bar `what`.

    Each process computes with one BLAS thread: two round differently from one, and a count would hang on it.
    """
    if workers == 1 or len(items) == 1:
        with threadpool_limits(1):
            return list(track(map(job, items), len(items), what))
    # spawn: the parent may hold threads (torch, BLAS) that a fork would leave broken
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(workers, len(items)), initializer=_one_thread) as pool:
        return list(track(pool.imap(job, items), len(items), what))
