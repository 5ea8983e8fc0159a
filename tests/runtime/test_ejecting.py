"""The nozzles as an observer: the belt's clock, what they are counted to have done, and the table of it."""

from typing import Any

import numpy as np
import pytest
from belt_told import decision
from ejector_plant import plant

from oresort.runtime.ejecting import Ejecting
from oresort.sorting.ejectors.efficiency import co_deflection
from oresort.sorting.ejectors.schedule import Due
from oresort.sorting.ejectors.table import cells

LINES = np.zeros((50, 100), np.uint16)


def belt(*blocks: tuple[int, int, int, int, str], lines: int = 1_000, **changed: Any) -> tuple[Ejecting, list[Due]]:
    """A belt of blocks (x, y, w, h, decision), told 50 lines at a time, each decided at the next one but one."""
    given: list[Due] = []
    ejecting = Ejecting(plant(**changed))
    ejecting.take = given.append
    for line in range(50, lines + 50, 50):
        ejecting.lines(LINES)
        ready = [block for block in blocks if line - 100 < block[1] + block[3] <= line - 50]
        ejecting.decided([decision(*block) for block in ready], line)
    ejecting.finished()
    ejecting.finished()  # once more gives nothing
    return ejecting, given


def test_what_the_nozzles_did_is_counted():
    blocks = (1, 100, 8, 20, "waste"), (12, 110, 6, 10, "ore"), (8, 105, 8, 5, "ore"), (1, 300, 8, 20, "waste")
    ejecting, given = belt(*blocks, (97, 10, 20, 20, "waste"))
    found = ejecting.figures()
    assert (found["blown"], found["kept"], found["struck"], found["late"]) == (3, 2, 1, 0)
    assert (found["unreached"], found["cut"], found["windows"], found["most_cycles"]) == (1, 0, 3, 2)
    # three windows of 28 ms of air, ten nozzles, a second
    assert found["air_share"] == pytest.approx(3 * 0.028 / 10)
    # three on a metre of belt of ten nozzles of 10 mm
    assert found["kappa"] == pytest.approx(co_deflection(3 / 0.1, 12, 20, plant()), abs=1e-5)
    assert found["recovery"] is found["rejection"] is None
    assert ejecting.shown()["nozzles"] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    # numbered as they were decided
    windows = [window for due in given for window in due.windows]
    assert [(w.nozzle, w.particles) for w in windows] == [(9, (0,)), (0, (1,)), (0, (4,))]


def test_what_is_expected_of_ore_and_waste_is_told_where_the_rates_are_known():
    found = belt((1, 100, 8, 20, "waste"), true_ore_rate=0.9, false_ore_rate=0.2)[0].figures()
    assert found["recovery"] == pytest.approx(0.9 * (1 - found["kappa"]), abs=1e-5)
    assert found["rejection"] == pytest.approx(0.8 * 0.95 + 0.2 * found["kappa"], abs=1e-5)
    nothing = belt(true_ore_rate=0.9, false_ore_rate=0.2)[0].figures()
    assert (nothing["kappa"], nothing["recovery"]) == (0.0, 0.9)


def test_ore_is_blown_where_the_plant_says_so():
    found = belt((1, 100, 8, 20, "ore"), (50, 100, 8, 20, "waste"), blown="ore")[0].figures()
    assert (found["blown"], found["kept"], found["windows"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("block", "changed", "missed"),
    [
        ((200, 100, 8, 20, "waste"), {}, "unreached"),
        ((1, 100, 8, 20, "waste"), {"open_delay": 400.0}, "late"),
        ((1, 100, 8, 20, "waste"), {"longest_pulse": 10.0}, "cut"),
    ],
)
def test_what_the_nozzles_miss_is_not_expected_to_be_blown_out(
    block: tuple[int, int, int, int, str], changed: dict[str, Any], missed: str
):
    found = belt(block, true_ore_rate=0.9, false_ore_rate=0.2, **changed)[0].figures()
    assert (found["blown"], found[missed]) == (1, 1)
    assert found["rejection"] == pytest.approx(0.2 * found["kappa"], abs=1e-5)
    assert (found["kappa"] == 0) is (missed != "cut")  # without air nobody is hit


def test_half_of_what_is_to_be_blown_out_may_be_missed():
    found = belt((200, 100, 8, 20, "waste"), (30, 100, 8, 20, "waste"), true_ore_rate=0.9, false_ore_rate=0.2)[
        0
    ].figures()
    assert found["rejection"] == pytest.approx(0.8 * 0.95 / 2 + 0.2 * found["kappa"], abs=1e-5)


def test_what_is_too_late_is_not_counted_as_beside_the_nozzles_too():
    found = belt((97, 100, 8, 20, "waste"), open_delay=400.0)[0].figures()
    assert (found["late"], found["unreached"]) == (1, 0)


@pytest.mark.parametrize(
    "changed", [{"close_delay": 900.0}, {"close_delay": 900.0, "shortest_gap": 1.0}, {"dilation": 90.0}]
)
def test_air_lasts_no_longer_than_all_the_time(changed: dict[str, float]):
    blocks = [(10 * k, 10 + 25 * turn, 8, 20, "waste") for k in range(10) for turn in range(2)]
    assert 0.5 < belt(*blocks, lines=100, **changed)[0].figures()["air_share"] <= 1


def test_nozzles_beside_the_scan_are_counted_and_thin_nobody_out():
    wide = belt((1, 100, 8, 20, "waste"), nozzles=100)[0].figures()
    row = belt((1, 100, 8, 20, "waste"))[0].figures()
    assert (row["beside"], wide["beside"]) == (0, 90)
    assert wide["kappa"] == row["kappa"] > 0


def test_an_empty_belt_has_figures():
    ejecting = Ejecting(plant())
    ejecting.finished()
    assert ejecting.figures()["air_share"] is None
    assert ejecting.figures()["windows"] == 0


def test_what_is_decided_late_by_the_belts_clock_is_not_blown():
    for line, late in ((588, 0), (589, 1)):
        ejecting = Ejecting(plant())
        ejecting.decided([decision(1, 100, 8, 20, "waste")], line)
        assert ejecting.schedule.late == late


def test_lines_that_wait_have_let_the_clock_run():
    given: list[Due] = []
    ejecting = Ejecting(plant())
    ejecting.take = given.append
    ejecting.lines(LINES)
    ejecting.decided([decision(1, 20, 8, 20, "waste")], 480)
    assert given == []
    ejecting.decided([], 508)  # 509 is when it opens
    assert [command.on for due in given for command in due.commands] == [True]


def test_a_cut_belt_gives_out_what_is_left_and_goes_on():
    given: list[Due] = []
    ejecting = Ejecting(plant())
    ejecting.take = given.append
    ejecting.lines(LINES)
    ejecting.decided([decision(1, 10, 8, 20, "waste"), decision(30, 10, 8, 20, "ore")], 50)
    ejecting.cut_off()
    assert [w.particles for due in given for w in due.windows] == [(0,)]
    ejecting.lines(LINES)
    ejecting.decided([decision(1, 60, 8, 20, "waste")], 100)
    ejecting.finished()
    assert [w.particles for due in given for w in due.windows] == [(0,), (2,)]
    assert (ejecting.figures()["late"], ejecting.figures()["blown"], ejecting.figures()["kept"]) == (0, 2, 1)


def test_the_most_cycles_are_of_any_second():
    # ten within 0.99 s; then a pause and five
    starts = [100 + 110 * k for k in range(10)] + [3_000 + 110 * k for k in range(5)]
    blocks = [(1, y, 8, 10, "waste") for y in starts]
    found = belt(*blocks, lines=4_000)[0].figures()
    assert found["windows"] == 15
    assert found["most_cycles"] == 10


def test_rows_of_the_table():
    _, given = belt((1, 100, 8, 20, "waste"), (1, 118, 8, 20, "waste"))
    assert cells([w for due in given for w in due.windows], plant()) == [
        [1, "0.589000", "0.637000", 589, 637, "0 1"]
    ]  # fmt: skip
    finer = plant(line_rate=1_500.0, distance=500.3)
    _, given = belt((1, 100, 8, 20, "waste"), line_rate=1_500.0, distance=500.3)
    ((_, opened, closed, first, last, _),) = cells([w for due in given for w in due.windows], finer)
    assert first <= float(str(opened)) * 1_500 < first + 1  # type: ignore[operator]
    assert last - 1 < float(str(closed)) * 1_500 <= last  # type: ignore[operator]
