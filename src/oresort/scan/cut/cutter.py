"""The whole way from lines of a scan to cut particles, as the lines come."""

import operator
from collections.abc import Iterator

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.crop import Cropper, Cut
from oresort.scan.cut.held import Held
from oresort.scan.cut.window import Window
from oresort.scan.fault import Fault, joined
from oresort.scan.health.patch import Patch
from oresort.scan.segment.regions import Regions

AT_ONCE = 512  # lines read at a time: enough to be efficient, few enough to stay in the processor's cache
BLOCK = 16  # lines worked on together, counted from the first, however many come at a time: 4 ms at 3.7 kHz

_MOST_FAULTS = 2_000  # kept apart; of more only the newest, for memory must not grow


class Cutter:
    """Finds and cuts the particles of an endless belt; memory does not grow with what has gone by.

    A particle comes out at most `lookahead` lines after its last one, 31 by default; one that touches others as soon
    as it shows where it ends, at the latest when all of them have. Lines and pixels that show nothing true are mended
    where few are missing; else particles that touch them are flagged `faulty`. `faults` names them all.

    Raises:
        InputError: crops are to be registered, and the calibration does not know how.
    """

    def __init__(
        self,
        calibration: Calibration,
        options: Cutting = Cutting(),  # noqa: B008  # immutable
    ) -> None:
        if options.crops == "registered" and calibration.registration is None:
            raise InputError("the layers' registration is not known; give a calibration that has it, or crops=released")
        self.calibration, self.options = calibration, options
        self.crop = Cropper(calibration, options)
        self.lines = 0  # pushed so far
        self.lines_lost = 0  # of those judged so far, in either layer
        self.noted = 0  # places that were found faulty so far
        self._window = Window(calibration, options)
        self.lookahead = BLOCK + self._window.ahead
        load_libraries()
        self._regions = Regions(options)
        self._waiting = np.empty((2, BLOCK, calibration.width), np.uint16)
        self._count = 0  # of lines that wait there
        self._finished = False
        self._faults: list[Fault] = []

    @property
    def settled(self) -> int:
        """Line before which no particle begins that is still to come."""
        return self._regions.top

    @property
    def faults(self) -> list[Fault]:
        """What was found faulty so far, by place; dead columns of the calibration first."""
        return joined([*self.calibration.faults(), *self._faults])

    def swing(self) -> list[tuple[float, float]]:
        """Return of each layer, low and high, how far air fell and rose since this was asked last.

        Of the level that the calibration knew, which is 1; lines are corrected for it.
        """
        return self._window.swing()

    def check(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> None:
        """Refuse lines (n, W) that cannot be pushed; InputError as `push`."""
        if self._finished:  # what follows lies on no known place of it
            raise InputError("the belt was finished; begin another one for the lines that follow")
        for name, layer in (("low", low), ("high", high)):
            if layer.ndim != 2 or layer.dtype != np.uint16:
                kind = f"{layer.dtype} {layer.shape}"
                raise InputError(f"{name} layer: {kind}; push lines (n, {self.calibration.width}) of uint16 counts")
            self.calibration.check_width(layer.shape[1], f"{name} layer")
        if len(low) != len(high):
            raise InputError(f"{len(low)} lines of the low layer and {len(high)} of the high one; push both alike")

    def push(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> list[Cut]:
        """Take both layers' next raw counts (n, W) and return the particles that are complete, by their ends.

        The particles are the same, and in the same order, however many lines come at a time.

        Raises:
            InputError: no lines of uint16, or the layers differ in size, or from the calibration in width; or the belt
                was finished.
        """
        return [cut for group in self.find(low, high) for held in group for cut in self.crop(held)]

    def finish(self) -> list[Cut]:
        """Return the particles on the last lines; those that reach the end are flagged `clipped`, and no more come."""
        return [cut for held in self.find_last() for cut in self.crop(held)]

    def find(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> Iterator[list[Held]]:
        """Do one half of `push`: find the regions that are complete, of which `crop` cuts the particles.

        They are yielded in groups, as soon as they are known: of each block of lines those that have ended, then those
        that could be parted from what goes on, which takes a while. Ask for all of them before more lines come.

        Raises:
            InputError: as `push`, at once.
        """
        self.check(low, high)  # before anything is kept, so that lines which are refused leave no trace
        return self._find(low, high)

    def find_last(self) -> list[Held]:
        """Do one half of `finish`."""
        if self._finished:
            return []
        self._finished = True
        low, high = self._waiting[:, : self._count]
        self._count = 0
        return [held for group in self._step((low, high), last=True) for held in group]

    def _find(self, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> Iterator[list[Held]]:
        start = 0
        while start < len(low):
            stop = min(start + BLOCK - self._count, len(low))
            self.lines += stop - start
            if stop - start == BLOCK:
                yield from self._step((low[start:stop], high[start:stop]), last=False)
            else:
                place = slice(self._count, self._count + stop - start)
                self._waiting[0, place], self._waiting[1, place] = low[start:stop], high[start:stop]
                self._count = place.stop % BLOCK
                if self._count == 0:
                    yield from self._step((self._waiting[0], self._waiting[1]), last=False)
            start = stop

    def _step(self, lines: tuple[NDArray[np.uint16], NDArray[np.uint16]], last: bool) -> Iterator[list[Held]]:
        self._note(self._window.take(lines, last))
        if ended := self._regions.ended(*self._window.ready(last), last):
            yield [self._window.hold(region) for region in ended]
        if self.options.split and not last and (parted := self._regions.parted()):
            yield [self._window.hold(region) for region in parted]
        self._window.forget(self._regions.top)

    def _note(self, faulty: tuple[list[Patch], list[Patch]]) -> None:
        belt = self.calibration.belt
        lost: set[int] = set()
        for layer, patches_found in zip(("low", "high"), faulty, strict=True):
            for patch in patches_found:
                whole = patch.right - patch.left == belt.stop - belt.start
                if whole and patch.kind in ("lost", "repeated"):
                    lost |= set(range(patch.top, patch.bottom))
                columns = None if whole else slice(belt.start + patch.left, belt.start + patch.right)
                self.noted += 1
                self._faults.append(Fault(layer, patch.kind, slice(patch.top, patch.bottom), columns, patch.mended))
        self.lines_lost += len(lost)
        if len(self._faults) > 2 * _MOST_FAULTS:
            self._faults = joined(self._faults)[-_MOST_FAULTS:]


def load_libraries() -> None:
    """Load now what these libraries load when it is first asked for, half a second: no line shall wait for it."""
    operator.attrgetter("ndimage.uniform_filter1d")(scipy)
    operator.attrgetter("segmentation.watershed")(skimage)


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
