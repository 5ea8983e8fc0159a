"""The progress bar of every long job."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Yield `items` behind a progress bar with a count and the time left."""
    with advancing(total, description) as advance:
        for item in items:
            yield item
            advance(1)


@contextmanager
def advancing(total: int, description: str) -> Iterator[Callable[[float], None]]:
    """Yield what moves a progress bar on by so many of `total`, fractions allowed; for work without items."""
    # only now: a program that shows no bar does without
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # to stderr, so that a command's stdout holds its results alone
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task, done = progress.add_task(description, total=total), 0.0

        def advance(steps: float) -> None:
            nonlocal done
            done += steps
            # fractions that add up to a whole but for rounding must not stay one short
            progress.update(task, completed=round(done, 6))

        yield advance
