"""The progress bar of every long job."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")

# to stderr, so that a command's stdout holds its results alone
STATUS = Console(stderr=True)


def track(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Yield `items` behind a progress bar with a count and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=STATUS) as progress:
        task = progress.add_task(description, total=total)
        for item in items:
            yield item
            progress.advance(task)
