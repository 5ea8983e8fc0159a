"""Quick looks hide nothing: wherever the smallest fault lies, they send the rules to it."""

import numpy as np
import pytest

from oresort.scan.health import look, strips
from oresort.scan.health.patches import TALL, WIDE

LINES, WIDTH = 16, 61  # an odd width: two layers of it are whole pairs of columns, one is not


def noise(layers, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(20_000, 60_000, (LINES + 1, layers, WIDTH)).astype(np.uint16)


@pytest.mark.parametrize("layers", [1, 2])
def test_every_run_of_alike_counts_is_seen_wherever_it_lies(layers):
    sound = noise(layers)
    assert not look._some_alike(sound, LINES)
    for column in range(WIDTH - WIDE + 1):
        above = sound.copy()
        above[1 + column % LINES, -1, column : column + WIDE] = above[column % LINES, -1, column : column + WIDE]
        assert look._some_alike(above, LINES)
    for column in range(WIDTH - WIDE):
        beside = sound.copy()
        beside[1 + column % LINES, -1, column : column + WIDE + 1] = 30_000
        assert look._some_alike(beside, LINES)
    for line in range(LINES - TALL + 1):
        tall = sound.copy()
        tall[line : line + TALL + 1, 0, 7 * line % WIDTH] = 30_000
        # of a run in two pieces half is seen in one of them
        assert look._some_alike(tall, LINES)


@pytest.mark.parametrize("layers", [1, 2])
def test_every_strip_is_seen_by_a_third_of_its_cells(layers, monkeypatch):
    rng = np.random.default_rng(1)
    width = 203
    for case in range(60):
        tall, wide = [(2, 12), (1, 15), (7, 64), (4, 71)][case % 4]
        lines = (1 + 0.03 * rng.standard_normal((LINES, layers, width))).astype(np.float32)
        line, left = int(rng.integers(1, LINES - tall)), int(rng.integers(0, width - wide - 3)) // 4 * 4
        lines[line : line + tall, -1, left : left + wide] = 0.1
        dark = strips.darker(lines.min(axis=0), float(lines.max()))
        seen = strips.strips(lines, dark)
        with monkeypatch.context() as all_of_them:
            all_of_them.setattr(strips, "_thin_somewhere", lambda few: True)
            expected = strips.strips(lines, dark)
        assert expected is not None
        np.testing.assert_array_equal(seen, expected)
