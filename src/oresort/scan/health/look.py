"""A quick look at lines as they come: a few figures of them, from which nearly all rules see that they find nothing."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.health import patches
from oresort.scan.health.patches import STRETCH

PIECE = STRETCH // 2  # lines of a look: `STRETCH` begin at any of them

_SURE = np.float32(0.999)  # of a limit: no rounding hides what lies beyond it


class Look(NamedTuple):
    """What a piece of `PIECE` lines of some layers looks like."""

    total: NDArray[np.float32]  # (L, W), sum of its lines
    darkest: NDArray[np.float32]  # (L, W)
    brightest: float  # of all pixels
    down: NDArray[np.float32]  # (L, W), sum of what its lines differ from those above them
    first: NDArray[np.float32]  # (L, W), the first of these
    restless: bool  # those sums may be too much for noise
    still: NDArray[np.bool_]  # (L,), layers in which some column hardly changes
    opaque: NDArray[np.bool_]  # (L,), layers in which some pixel is
    suspect: NDArray[np.bool_]  # (L,), layers in which some other rule may find something here, or half of it
    calm: bool  # nothing of these last four in any layer


class Looker:
    """Looks at lines of some layers before any rule does.

    Args:
        limits: of noise, of each layer.
        quiet: range of counts (W,) below which a column hardly changes; None: pixels repeat each other by chance.
    """

    def __init__(self, limits: Sequence[patches.Limits], quiet: Sequence[NDArray[np.uint16] | None]) -> None:
        self._down = _SURE * np.stack([own.down for own in limits])  # (L, W)
        self._some = np.float32(PIECE - 1) * self._down
        self._over = _SURE * np.stack([own.over for own in limits])  # (L, W)
        self._bright = _SURE * PIECE * np.float32(1 + patches.BRIGHT)  # of a sum over lines
        self._along = _SURE * np.stack([own.along for own in limits])  # (L, W / 32)
        self._wide, self._columns = limits[0].wide, limits[0].columns
        self._share = np.full(self._wide, 1 / self._wide, np.float32)
        self._loud = np.array([own is not None for own in quiet])  # (L,)
        self._heard = bool(self._loud.any())
        nothing = np.zeros(self._down.shape[1], np.uint16)
        self._quiet = np.stack([nothing if own is None else own for own in quiet])  # (L, W)
        self._scratch = np.empty((0, self._down.size), np.float32)

    def __call__(self, lines: NDArray[np.float32], counts: NDArray[np.uint16], count: int) -> list[Look]:
        """Look at the last `count` lines, whole pieces, of a transmission (n, L, W) and of its counts.

        They come after the line above, if there is one.
        """
        here, own = lines[-count:], counts[-count:]
        pieces, raw = (values.reshape(-1, PIECE, *lines.shape[1:]) for values in (here, own))  # (p, 8, L, W)
        total, darkest = _sums(here), np.minimum.reduce(pieces, axis=1)  # (p, L, W)
        down, first = self._steps(lines, count)
        suspect = still = opaque = np.zeros((len(pieces), lines.shape[1]), np.bool_)
        # nearly always nothing is anywhere, which is seen faster than that it is in none of them
        if darkest.min() < patches.OPAQUE:
            opaque = (darkest < patches.OPAQUE).any(axis=2)
        if total.max() > self._bright:
            suspect = suspect | self._glaring(total)
        if (hot := self._hot(here)).any():
            suspect = suspect | hot.reshape(-1, PIECE, *hot.shape[1:]).any(axis=(1, 3))
        if self._heard:
            if _some_alike(counts, count):
                suspect = suspect | self._alike(counts, count) & self._loud
            quiet = np.maximum.reduce(raw, axis=1) - np.minimum.reduce(raw, axis=1) < self._quiet
            if quiet.any():
                still = quiet.any(axis=2)
        brightest, restless = float(here.max()), bool((down > self._some).any())
        calm = not restless and opaque is still is suspect  # all of them that of nothing
        return [
            Look(total[k], darkest[k], brightest, down[k], first[k], restless, still[k], opaque[k], suspect[k], calm)
            for k in range(len(pieces))
        ]

    def suspect(self, looks: Sequence[Look]) -> NDArray[np.bool_]:
        """Tell in which layers (L,) a rule may find something on lines that were looked at; not for `strips` to tell.

        A rule that finds something in two pieces finds half of it in one of them.
        """
        down = reduce(np.add, [look.down for look in looks])
        lines = np.float32(PIECE * len(looks) - 1)
        over = patches.restless(down - looks[0].first) > lines * self._over  # (L, W)
        found = np.asarray(over.any(axis=1), np.bool_)
        if all(look.calm for look in looks):
            return found
        for look, after in pairwise([*looks, looks[-1]]):
            found |= look.suspect
            if after is not look:
                found |= look.still & after.still
        if any(look.restless for look in looks):  # no mean is greater than that of the greatest piece
            found |= (down > lines * self._down).any(axis=1)
        return found

    def _steps(self, lines: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return each piece's sum of differences to the lines above (p, L, W), and its first one."""
        flat, step = lines.reshape(len(lines), -1), self._room(count)
        first = count + 1 - len(lines)  # no line lies above the belt's first one
        step[:first] = 0
        cv2.absdiff(flat[1:], flat[:-1], step[first:])
        step = step.reshape(count, *lines.shape[1:])
        return _sums(step), step[::PIECE].copy()

    def _room(self, count: int) -> NDArray[np.float32]:
        """Return `count` lines (count, L * W) to write differences in, always the same memory."""
        if len(self._scratch) < count:
            self._scratch = np.empty((count, self._down.size), np.float32)
        return self._scratch[:count]

    def _glaring(self, total: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which pieces and layers (p, L) may show a square that is brighter than air."""
        cells = patches.narrowed(total.reshape(-1, total.shape[2]))
        return np.asarray((cells > self._bright).any(axis=1).reshape(total.shape[:2]))

    def _hot(self, here: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return where (n, L, W / 32) lines (n, L, W) differ from pixel to pixel more than noise does."""
        step, row = self._room(len(here)), here.reshape(-1)
        cv2.absdiff(row[1:], row[:-1], step.reshape(-1)[:-1])  # a line's last difference is in no group
        whole = step.reshape(here.shape)[..., : self._columns]
        groups = whole.reshape(*here.shape[:2], -1, self._wide)  # (n, L, W / 32, 32)
        return groups @ self._share > self._along

    def _alike(self, counts: NDArray[np.uint16], count: int) -> NDArray[np.bool_]:
        """Tell which pieces and layers (p, L) show enough counts that are those beside or above them."""
        layers, width = counts.shape[1:]
        flat = counts.reshape(len(counts), -1)
        same = np.empty((2, count, layers * width), np.bool_)  # above, beside
        same[0, 0] = same[1, :, -1] = False
        np.equal(flat[1:], flat[:-1], out=same[0, count + 1 - len(counts) :])
        np.equal(flat[-count:, 1:], flat[-count:, :-1], out=same[1, :, :-1])
        marks = same.view(np.uint8)
        across = np.add.reduce(marks[0].reshape(-1, PIECE, layers, width), axis=1, dtype=np.uint8)  # (p, L, W)
        along = cv2.reduce(marks.reshape(-1, width), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        found = np.zeros((len(across), layers), np.bool_)
        if across.max() >= patches.TALL // 2:
            found |= (across >= patches.TALL // 2).any(axis=2)
        if along.max() >= patches.WIDE:
            found |= (along >= patches.WIDE).reshape(2, -1, PIECE, layers).any(axis=(0, 2))
        return found


def _sums(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums (p, L, W) of pieces of lines (n, L, W), in two thirds of the time that numpy takes."""
    flat = lines.reshape(len(lines), -1)
    total = np.empty((len(lines) // PIECE, flat.shape[1]), np.float32)
    for piece in range(len(total)):
        cv2.reduce(flat[PIECE * piece : PIECE * (piece + 1)], 0, cv2.REDUCE_SUM, total[piece : piece + 1])
    return total.reshape(-1, *lines.shape[1:])


def _some_alike(counts: NDArray[np.uint16], count: int) -> bool:
    """Tell whether any runs of alike counts may be on the last `count` lines (n, L, W), by far fewer comparisons.

    A run of 8 holds whole pairs of columns, one of 6 lines holds two of every other line in one piece.
    """
    flat = counts.reshape(len(counts), -1)
    own, size = flat[-count:], flat.shape[1]
    pairs = flat[:, : size // 2 * 2].view(np.uint32)
    if (pairs[1:] == pairs[:-1]).any():
        return True
    row = pairs[-count:].reshape(-1)  # on from line to line, which costs half
    if (row[1:] == row[:-1]).any():
        return True
    odd = (own[1::2] == own[::2]).view(np.uint8).reshape(-1, PIECE // 2, size)
    return bool(np.add.reduce(odd, axis=1, dtype=np.uint8).max() > patches.TALL // 4)
