"""Who looks on while `sort` runs: the nozzles and the live page, as the command asks for them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from oresort.runtime.ejecting import Ejecting
from oresort.runtime.observer import Observer
from oresort.runtime.settings import SortConfig
from oresort.runtime.sorter import Sorter
from oresort.sorting.ejectors.settings import load_ejectors


class Lookers(NamedTuple):
    """All of them, and the nozzles, which leave files."""

    observers: Sequence[Observer] = ()
    ejecting: Ejecting | None = None

    def finish(self) -> None:
        """Tell all that the belt has ended; once more does nothing."""
        for observer in self.observers:
            observer.finished()

    def check(self, pixel: float | None, sorter: Sorter | None = None) -> None:
        """Refuse a plant that contradicts what is known of pixels or scans, or where nothing can be decided in time."""
        if self.ejecting:
            self.ejecting.plant.check_pixel(pixel)
            if sorter is not None:
                self.ejecting.plant.check_time(sorter.lookahead)
                self.ejecting.plant.check_columns(sorter.calibration.width)


@contextmanager
def looking_on(cfg: SortConfig) -> Iterator[Lookers]:
    """Have them look on during the block, and tell them when it ends.

    Raises:
        InputError: a plant's file that cannot be used, or a page's address that cannot be had.
    """
    ejecting = Ejecting(load_ejectors(Path(cfg.ejectors))) if cfg.ejectors else None
    observers: list[Observer] = [ejecting] if ejecting else []
    with ExitStack() as opened:
        if cfg.page is not None:
            # only now: a server is more to import than a sort without one should wait for
            from oresort.runtime.page.live import Live
            from oresort.runtime.page.page import Page

            name = cfg.scans or cfg.low or f"lines={cfg.lines}"
            live = Live(name, ejecting.shown if ejecting else None)
            page = Page(live, cfg.page_host, cfg.page)
            opened.callback(page.close)
            observers.append(live)
            print(f"page: {page.address}", file=sys.stderr)
        lookers = Lookers(observers, ejecting)
        try:
            yield lookers
        finally:
            lookers.finish()
