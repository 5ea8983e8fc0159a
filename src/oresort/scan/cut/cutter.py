"""The whole way from a scan to cut particles, a few hundred lines at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.crop import MASKS, Cut, cut_part
from oresort.scan.cut.window import Window
from oresort.scan.segment.regions import RegionTracker
from oresort.scan.segment.split import Part, split_touching

LINES = 512
"""Lines read at a time: enough to be efficient, few enough to stay in the processor's cache."""


def cut_scan(
    reader: PairReader,
    calibration: Calibration,
    options: Cutting = Cutting(),  # noqa: B008  # immutable
    watch: Callable[[int, NDArray[np.float32]], None] | None = None,
    lines: int = LINES,
) -> Iterator[Cut]:
    """Cut every particle of a scan, in the order in which they end; memory does not grow with the scan.

    Args:
        reader: the scan.
        calibration: of this scan; its registration may be None only for crops that are not registered.
        options: how to find and cut.
        watch: is shown the low layer's transmission (n, belt) from some line on, for a picture.
        lines: lines read at a time; results do not depend on it.

    Raises:
        InputError: a damaged file, a calibration for another width, or without a registration to apply.
    """
    if calibration.width != reader.width:
        raise InputError(
            f"{reader.low.path}: {reader.width} columns but the calibration has {calibration.width}; "
            "give that sorter's calibration"
        )
    if options.crops == "registered" and calibration.registration is None:
        raise InputError(
            f"{reader.low.path}: the layers' registration is not known; give a calibration, or crops=released"
        )
    window = Window(calibration, options.correct, MASKS[options.mask])
    tracker = RegionTracker(calibration.belt.stop - calibration.belt.start, options.min_area)
    layers = reader.low, reader.high
    with ThreadPoolExecutor(2) as pool:
        # the next lines are decoded, which needs no interpreter lock, while these are worked on
        ahead = [pool.submit(window.read, layer, i, 0, lines) for i, layer in enumerate(layers)]
        for start in range(0, reader.height, lines):
            stop = min(start + lines, reader.height)
            read = [future.result() for future in ahead]
            ahead = [pool.submit(window.read, layer, i, stop, stop + lines) for i, layer in enumerate(layers)]
            if watch is not None:
                watch(start, read[0])
            last = stop == reader.height
            for region in tracker.push(*window.append(read, last, tracker.top), last):
                parts = [Part(region.mask, touching=False, parted=False)]
                if options.split:
                    parts = split_touching(
                        region.mask, convex=options.convex, neck=options.neck, min_area=options.min_area
                    )
                for part in parts:
                    yield cut_part(window, calibration, options, region, part)
