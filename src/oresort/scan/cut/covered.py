"""What one layer shows to be covered, line by line, each line masked once."""

import numpy as np
from numpy.typing import NDArray

from oresort.scan.lines import Lines
from oresort.scan.segment.mask import BESIDE, MASKS, bare

_BARE = 3  # lines beside it that decide whether a pixel is bare


class Covered:
    """Follows a layer's masks.

    Args:
        rule: of `MASKS`.
        level: of air, in counts.
        width: of the belt.
    """

    def __init__(self, rule: str, level: float, width: int) -> None:
        self._rule, self._beside, self._level = MASKS[rule], BESIDE[rule], level
        self.weak, self.strong = (Lines[np.uint8]((width,), np.uint8) for _ in range(2))

    def add(self, lines: Lines[np.float32], end: int, layer: int, noise: NDArray[np.float32], last: bool) -> None:
        """Mask those of some layers' lines (L, W) that have enough lines below them before line `end`.

        Mask all of these if they are the `last`.
        """
        done = self.weak.end
        stop = end if last else end - self._beside
        if stop <= done:
            return
        begin = max(done - self._beside, lines.top)
        fresh = slice(done - begin, stop - begin)
        cover = self._rule(lines.between(begin, end)[:, layer], self._level, noise, fresh)
        self.weak.append(cover.weak)
        self.strong.append(cover.strong)

    def bare(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return where lines `start` to `stop` are bare (n, W), uint8 0 or 1."""
        top = max(start - _BARE, self.weak.top)
        return bare(self.weak.between(top, stop + _BARE))[start - top : stop - top]

    def forget(self, line: int) -> None:
        """Give up what lies before a line."""
        self.weak.forget(line)
        self.strong.forget(line)
