"""The benchmark of streams in its short form: a belt with faults and disconnections, compared row by row."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime.belts import Rule, Sending, belt, calibration, port_of, settings

from oresort.runtime.sorter import Sorter
from oresort.runtime.stream.run import sort_stream

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from belt import Sender, broken, plan_of
from stream import compared, expected

sys.path.remove(str(Path(__file__).parents[2] / "benchmarks"))  # where a module is called as this folder is


def test_a_belt_with_faults_is_sorted_as_without_a_stream(tmp_path: Path):
    known = calibration(tmp_path / "home")
    sound = [
        (layers[0][start : start + 300], layers[1][start : start + 300])
        for layers in shifted()
        for start in (0, 300, 600)
    ]
    tiles = [*sound, *broken(sound)]
    plan = plan_of(len(sound), len(tiles) - len(sound), 20, 8, seed=1)
    assert any(tile >= len(sound) for tile in plan.tiles)
    out, sender = tmp_path / "out", Sender(tiles, rate=0)
    work = Sending(lambda: sender.send(port_of(out), plan, lambda: None))
    words = "lines=tcp:0", "first=0", "stall=60", "idle=1.5", f"calibration={tmp_path / 'home' / 'cal.json'}"
    made = sort_stream(settings(out, *words), Rule())
    work.done()
    assert made.lines == 20 * 300
    found = compared(out / "decisions.csv", expected(tiles, plan, lambda: Sorter(Rule(), known)))
    assert found.pop("particles") > 300
    assert set(found.values()) == {0}, found
    assert made.counts["faulty"] > 0
    # and the comparison sees what it is for
    rows = (out / "decisions.csv").read_text().splitlines(keepends=True)
    wrong = [*rows[:5], rows[5].replace("ore", "waste") if ",ore," in rows[5] else rows[5].replace("waste", "ore")]
    nobodys = ",".join([*rows[1].split(",")[:2], "99999", *rows[1].split(",")[3:]])  # two of them are none doubled
    wrong += [rows[7], rows[6], rows[6], *rows[9:], nobodys, nobodys]
    (out / "decisions.csv").write_text("".join(wrong))
    found = compared(out / "decisions.csv", expected(tiles, plan, lambda: Sorter(Rule(), known)))
    assert (found["otherwise decided"], found["doubled"], found["lost"], found["unknown"]) == (1, 1, 1, 2)
    assert found["out of order"] >= 1


def shifted() -> list[Any]:
    """The belt thrice, once as it is and twice a count or two brighter, so that no line repeats another."""
    return [tuple(np.where(layer < 65_000, layer + k, layer) for layer in belt()) for k in range(3)]


@pytest.mark.parametrize("seed", range(5))
def test_no_tile_comes_again_within_the_lines_that_are_compared(seed: int):
    order = [tile % 10 for tile in plan_of(10, 6, 100, 9, seed).tiles]
    assert all(tile not in order[max(k - 4, 0) : k] for k, tile in enumerate(order))
