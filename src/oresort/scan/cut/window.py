"""The stretch of a scan that is in memory: both layers as transmission with their masks, by absolute lines."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import line_levels
from oresort.scan.cut.held import BELOW, HALO, Around, Box, Held, grown, lines_below, seen, seen_columns
from oresort.scan.cut.unknown import Unknown
from oresort.scan.health.judge import Judge
from oresort.scan.health.patch import Patch
from oresort.scan.health.patches import REACH as JUDGED
from oresort.scan.health.running import Running
from oresort.scan.lines import Lines
from oresort.scan.segment.mask import MASKS, REACH, Cover
from oresort.scan.segment.regions import Region

_LAG = 2.0  # lines between the layers from which one shows nothing of where the other is bare
_ENDLESS = 1_000  # lines that a column may be covered without a break: 0.4 m, longer than any particle


class Window:
    """The one owner of a scan's lines.

    A line goes through three stages, each some lines behind the one before: judged; masked and levelled, once all that
    a mask depends on is judged; ready to be cut, once all that may lie around a particle is masked.
    """

    def __init__(self, calibration: Calibration, options: Cutting) -> None:
        belt = calibration.belt
        self._columns = (calibration.low, calibration.high)
        self._judges = [Judge(columns, belt, options.correct) for columns in self._columns]
        self._running = [Running(columns.noise[belt]) for columns in self._columns]
        self._correct, self._rule, self._reach = options.correct, MASKS[options.mask], REACH[options.mask]
        self._start, self._width = belt.start, belt.stop - belt.start
        self._layers = [Lines[np.float32](self._width, np.float32) for _ in range(2)]  # (n, W), judged
        self._levels = [Lines[np.float32](1, np.float32) for _ in range(2)]  # (n, 1), masked
        self._weak, self._strong = (Lines[np.uint8](self._width, np.uint8) for _ in range(2))  # (n, W), masked
        self._ready = 0  # first line that is not ready to be cut
        self._covered = np.zeros(self._width, np.int64)  # lines for which each column was covered without a break
        self._unknown = Unknown(calibration)
        # which column of the low layer sees what a column of the high layer sees
        self._fit = fit = calibration.registration
        scale, offset, lag = (1.0, 0.0, 0.0) if fit is None else (fit.scale, fit.column_offset, fit.row_offset)
        self.halo = max(HALO, HALO // 2 + math.ceil(abs(lag)))  # lines around whatever is cut
        self._down = lines_below(options)  # of the high layer's own mask
        self._below = max(self._down, BELOW + math.ceil(abs(lag)))
        self.ahead = JUDGED + self._reach + self._below  # lines that are looked ahead
        self._apart = abs(lag) > _LAG
        self._taps = seen_columns(calibration)
        self._registered = options.crops == "registered"
        places = np.arange(self._width) / scale + (belt.start - offset) / scale - belt.start
        self._partner = np.rint(places).astype(np.intp).clip(0, self._width - 1)  # (W,)

    def take(
        self, counts: tuple[NDArray[np.uint16], NDArray[np.uint16]], last: bool
    ) -> tuple[list[Patch], list[Patch]]:
        """Add lines of both layers (n, columns of the scan); return what is faulty on those that are judged by now."""
        found: tuple[list[Patch], list[Patch]] = ([], [])
        for layer, (judge, came) in enumerate(zip(self._judges, counts, strict=True)):
            judged, patches = judge.take(came, last)
            if layer == 0:
                judged, endless = self._endless(judged)
                patches = patches + endless
            self._layers[layer].append(judged)
            found[layer].extend(patches)
            self._unknown.add(layer, patches)
        self._mask(last)
        return found

    def ready(self, last: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the weak and the strong mask (n, W) of the lines that have become ready to be cut."""
        # registration reads lines around a particle, which must be levelled by then
        stop = self._weak.end if last else max(self._weak.end - self._below, self._ready)
        start, self._ready = self._ready, stop
        return self._weak.between(start, stop), self._strong.between(start, stop)

    def forget(self, needed: int) -> None:
        """Forget the lines that line `needed` and those after it do not need."""
        for lines in (*self._layers, *self._levels):
            lines.forget(needed - self.halo)
        for masks in (self._weak, self._strong):
            masks.forget(needed - self.halo)
        self._unknown.forget(needed - self.halo)

    def _endless(self, judged: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[Patch]]:
        """Return lines with columns made bare that have been covered for longer than any particle is, and where."""
        stuck = self._covered >= _ENDLESS
        if not stuck.any() or not len(judged):
            return judged, []
        judged = judged.copy()
        stuck &= judged.mean(axis=0) < 0.95  # else it shows the belt again
        self._covered[~stuck & (self._covered >= _ENDLESS)] = 0
        judged[:, stuck] = 1
        top = self._layers[0].end
        edges = np.flatnonzero(np.diff(stuck.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)  # (runs, 2)
        end = top + len(judged)
        return judged, [Patch("covered", top, end, left, right, False) for left, right in edges.tolist()]

    def _mask(self, last: bool) -> None:
        """Mask and level the lines of which enough is judged, or all of them if no more will come."""
        done, end = self._weak.end, self._layers[0].end
        final = end if last else max(end - self._reach, done)
        if final == done:
            return
        begin = max(done - self._reach, self._layers[0].top)  # what lies above these lines also counts in their masks
        cover, fresh = self._cover(self._layers[0].between(begin, end), 0), slice(done - begin, final - begin)
        weak, strong, bare = cover.weak[fresh], cover.strong[fresh], cover.bare[fresh]  # (n, W) each
        # a lag of a line or two does not matter: bare belt keeps three pixels off anything
        bare_high = bare.take(self._partner, 1)
        if self._apart:
            own = self._cover(self._layers[1].between(begin, end), 1)
            bare_high = own.bare[fresh]
        for layer, empty in enumerate((bare, bare_high)):
            lines = self._layers[layer].between(done, final)
            level = np.ones(final - done, np.float32)  # (n,)
            if self._correct:
                shown = lines * empty.astype(np.float32)
                level = line_levels(shown, empty)
                self._judges[layer].adapt(self._running[layer].add(lines, level, shown, empty))
            self._levels[layer].append(level[:, None])
        self._weak.append(weak)
        self._strong.append(strong)
        covered = cv2.reduce(weak, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]  # (W,)
        going = (covered > 0.9 * (final - done)) | (self._covered >= _ENDLESS)
        self._covered = np.where(going, self._covered + (final - done), 0)

    def _cover(self, transmission: NDArray[np.float32], layer: int) -> Cover:
        return self._rule(transmission, self._columns[layer].level, self._running[layer].noise)

    def hold(self, region: Region) -> Held:
        """Return a region that has ended with all that it takes to part it and to cut its particles."""
        box = Box(region.y, region.x, *region.mask.shape)
        own, noise = None, np.empty(0, np.float32)
        if not self._registered:
            own = self._around(1, *grown(box, HALO, self._down))
            # of smoothed bare belt, as it is now
            noise = self._running[1].noise[own.left : own.left + own.values.shape[1]].copy()
        weak = self._weak.between(box.y, box.y + box.h)[:, box.x : box.x + box.w].view(np.bool_)
        unknown, end = self._unknown.of(box.y, box.y + box.h), self._levels[1].end
        return Held(
            region, self._around(0, *grown(box, 0, 0)).values, weak.copy(), self._placed(box), own, noise, unknown, end
        )

    def _around(self, layer: int, top: int, bottom: int, left: int, right: int) -> Around:
        """Return a layer's transmission on some lines and columns, as far as the scan goes."""
        levels = self._levels[layer].between(top, bottom)  # (n, 1), fewer at the scan's end
        lines = self._layers[layer].between(top, bottom)[: len(levels), max(left, 0) : right]  # (n, w)
        return Around(lines / levels, max(top, self._layers[layer].top), max(left, 0))

    def _placed(self, box: Box) -> Around | None:
        """Return the high layer about where the low layer sees the box, as far as splines through it reach."""
        if self._fit is None:
            return None
        return self._around(1, *seen(box, self._fit, self._taps, self._levels[1].end, self._down))
