"""The whole way from lines of a scan to cut particles, as the lines come."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.crop import Cut, cut_part
from oresort.scan.cut.window import Window
from oresort.scan.segment.regions import Regions
from oresort.scan.segment.split import Part, split_touching

AT_ONCE = 512  # lines read at a time: enough to be efficient, few enough to stay in the processor's cache


class Cutter:
    """Finds and cuts the particles of an endless belt; memory does not grow with what has gone by.

    A particle comes out some 60 lines after its last one, since registration and masks look so far ahead.

    Raises:
        InputError: crops are to be registered, and the calibration does not know how.
    """

    def __init__(self, calibration: Calibration, options: Cutting = Cutting()) -> None:  # noqa: B008  # immutable
        if options.crops == "registered" and calibration.registration is None:
            raise InputError("the layers' registration is not known; give a calibration that has it, or crops=released")
        self.calibration, self.options = calibration, options
        self._window = Window(calibration, options)
        self._regions = Regions(options.min_area)

    def push(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> list[Cut]:
        """Take both layers' next raw counts (n, W) and return the particles that are complete, by their ends.

        The particles are the same, and in the same order, however many lines come at a time.

        Raises:
            InputError: the layers differ in size, or from the calibration in width.
        """
        # before anything is kept, so that lines which are refused leave no trace
        for name, layer in (("low", low), ("high", high)):
            self.calibration.check_width(layer.shape[1], f"{name} layer")
        if len(low) != len(high):
            raise InputError(f"{len(low)} lines of the low layer and {len(high)} of the high one; push both alike")
        self._window.append((low, high), self._regions.top)
        return self._cut(last=False)

    def finish(self) -> list[Cut]:
        """Return the particles on the last lines; those that reach the end are flagged `clipped`."""
        return self._cut(last=True)

    def _cut(self, last: bool) -> list[Cut]:
        self._window.finish_lines(last)
        wanted, cuts = self.options, []
        for region in self._regions.ended(*self._window.masks(self._regions.top, last), last):
            # only a whole region is parted: lines to come may hold its neck
            parts = [Part(region.mask, touching=False, parted=False)]
            if wanted.split:
                parts = split_touching(region.mask, convex=wanted.convex, neck=wanted.neck, min_area=wanted.min_area)
            cuts += [cut_part(self._window, self.calibration, wanted, region, part) for part in parts]
        return cuts


def cut_scan(
    reader: PairReader,
    calibration: Calibration,
    options: Cutting = Cutting(),  # noqa: B008  # immutable
    lines: int = AT_ONCE,
) -> Iterator[Cut]:
    """Cut every particle of a scan, in the order in which they end, while it is read, `lines` at a time.

    Raises:
        InputError: as `Cutter`, or a damaged file.
    """
    calibration.check_width(reader.width, str(reader.low.path))
    try:
        cutter = Cutter(calibration, options)
    except InputError as error:
        raise InputError(f"{reader.low.path}: {error}") from error
    for low, high in reader.ahead(lines):
        yield from cutter.push(low, high)
    yield from cutter.finish()
