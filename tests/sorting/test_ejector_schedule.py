"""Windows of valves as the belt runs: merged, parted, in time, and what else they hit."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from ejector_plant import plant
from hypothesis import given, settings
from hypothesis import strategies as st

from oresort.sorting.ejectors.schedule import Due, Schedule
from oresort.sorting.ejectors.shots import Profile, air, passage, passing, profile, times
from oresort.sorting.ejectors.valve import Window

NEVER = math.inf


def block(width: int, height: int) -> Profile:
    return profile(np.ones((height, width), np.bool_))


def windows(due: Due) -> list[tuple[int, float, float, tuple[int, ...]]]:
    """Windows by nozzle and time, ms."""
    return sorted((w.nozzle, round(1e3 * w.open, 3), round(1e3 * w.close, 3), w.particles) for w in due.windows)


def sorter(*particles: tuple[int, int, int, int, bool], **changed: Any) -> tuple[Schedule, Due]:
    """All that is known at the end of a belt of blocks (x, y, w, h, blown), each decided 50 lines after its end."""
    schedule = Schedule(plant(**changed))
    for number, (x, y, w, h, blown) in enumerate(particles, start=1):
        schedule.add(number, block(w, h), x, y, blown, (y + h + 50) / 1_000)
    return schedule, schedule.due(NEVER)


def test_one_particle_opens_its_nozzles_once():
    schedule, due = sorter((12, 100, 15, 20, True))
    assert windows(due) == [(1, 589, 619, (1,)), (2, 589, 619, (1,))]
    assert [(round(1e3 * c.time), c.nozzle, c.on) for c in due.commands] == [
        (589, 1, True), (589, 2, True), (619, 1, False), (619, 2, False)
    ]  # fmt: skip
    assert (schedule.blown, schedule.kept, schedule.late, schedule.unreached) == (1, 0, 0, 0)


def test_windows_that_overlap_or_leave_too_short_a_gap_become_one():
    # the second one's window begins at 625 ms: 6 ms after the end of the first, in which the valve just shuts
    assert windows(sorter((1, 100, 8, 20, True), (1, 136, 8, 20, True))[1]) == [
        (0, 589, 619, (1,)), (0, 625, 655, (2,))
    ]  # fmt: skip
    assert windows(sorter((1, 100, 8, 20, True), (1, 135, 8, 20, True))[1]) == [(0, 589, 654, (1, 2))]
    assert windows(sorter((1, 100, 8, 20, True), (1, 110, 8, 5, True))[1]) == [(0, 589, 619, (1, 2))]
    # a third one bridges two that were apart, whenever it comes to be known
    bridged = [(1, 100, 8, 20, True), (1, 160, 8, 20, True), (1, 125, 8, 30, True)]
    assert windows(sorter(*bridged)[1]) == [(0, 589, 679, (1, 2, 3))]
    assert windows(sorter((1, 100, 8, 20, True), (1, 136, 8, 20, True), shortest_gap=7.0)[1]) == [
        (0, 589, 655, (1, 2))
    ]  # fmt: skip


def test_a_window_longer_than_the_valve_may_blow_is_parted_and_who_is_missed_is_told():
    # 30 ms a particle and 65 of both: 40 on, 6 off, the rest
    particles = (1, 100, 8, 20, True), (1, 135, 8, 20, True)
    _, due = sorter(*particles, longest_pulse=40.0)
    assert windows(due) == [(0, 589, 629, (1, 2)), (0, 635, 654, (2,))]
    assert due.cut == [2]
    # the rest is no shorter than the valve can do
    _, due = sorter(*particles, longest_pulse=58.0)
    assert windows(due) == [(0, 589, 647, (1, 2)), (0, 653, 658, (2,))]
    # or nothing, where it would lie in the gap
    _, due = sorter(*particles, longest_pulse=60.0)
    assert windows(due) == [(0, 589, 649, (1, 2))]
    assert due.cut == [2]
    assert sorter(*particles, longest_pulse=65.0)[1].cut == []


def test_a_particle_decided_after_its_valve_had_to_be_told_is_late():
    # told at 588 ms at the latest
    for now, late in ((0.588, 0), (0.5881, 1)):
        schedule = Schedule(plant())
        schedule.add(1, block(8, 20), 1, 100, True, now)
        assert schedule.late == late
        assert len(schedule.due(NEVER).windows) == 1 - late
    # what only the lateness of one nozzle forbids is not blown by half
    schedule = Schedule(plant())
    slanted = np.zeros((60, 20), np.bool_)
    slanted[:30, :10] = slanted[20:, 10:] = True
    schedule.add(1, profile(slanted), 0, 100, True, 0.6)
    assert schedule.late == 1
    assert schedule.due(NEVER) == Due([], [], [], [])


def test_commands_come_before_their_time_and_stand():
    schedule = Schedule(plant())
    schedule.add(1, block(8, 20), 1, 100, True, 0.2)
    assert schedule.due(0.5879) == Due([], [], [], [])
    assert [(round(1e3 * c.time), c.on) for c in schedule.due(0.588).commands] == [(589, True)]
    # who is known before it shuts makes it longer
    schedule.add(2, block(8, 20), 1, 117, True, 0.6)
    assert schedule.due(0.618) == Due([], [], [], [])
    due = schedule.due(0.635)
    assert windows(due) == [(0, 589, 636, (1, 2))]
    assert [c.on for c in due.commands] == [False]
    # and who comes when it was told to shut, and cannot open in time, is late
    schedule.add(3, block(8, 20), 1, 152, True, 0.6355)
    assert schedule.late == 1
    schedule.add(4, block(8, 20), 1, 153, True, 0.6355)
    assert schedule.late == 1
    # a clock that goes back does not undo what was told
    schedule.add(5, block(8, 20), 31, 100, True, 0.1)
    assert schedule.late == 2


def test_kept_neighbours_in_the_air_of_others_are_counted():
    # air of nozzle 0 from 599 to 627 ms; a particle of line y is there from y + 500 ms on
    beside, behind, before = (11, 100, 8, 20, False), (1, 127, 8, 20, False), (1, 79, 8, 20, False)
    assert sorter((1, 100, 8, 20, True), beside, behind, before)[1].struck == []
    within, touching = (8, 105, 8, 5, False), (1, 126, 8, 20, False)
    assert sorter((1, 100, 8, 20, True), within, touching, (1, 80, 8, 20, False))[1].struck == [2, 3, 4]


def test_a_neighbour_is_struck_by_windows_that_are_still_open_when_it_has_gone():
    schedule = Schedule(plant())
    schedule.add(1, block(8, 200), 1, 100, True, 0.4)
    schedule.add(2, block(8, 10), 1, 150, False, 0.4)
    assert schedule.due(0.659).struck == []  # it may still meet one who is not known yet
    assert schedule.due(0.66) == Due([], [], [2], [])


# --- any belt


@st.composite
def belts(draw: st.DrawFn) -> list[tuple[int, int, int, int, bool]]:
    """Blocks (x, y, w, h, blown) over the ten nozzles, crowded enough to meet."""
    one = st.tuples(st.integers(0, 90), st.integers(0, 400), st.integers(1, 25), st.integers(1, 60), st.booleans())
    found: list[tuple[int, int, int, int, bool]] = draw(st.lists(one, max_size=15))
    return found


PULSES = st.fixed_dictionaries(
    {"shortest_gap": st.sampled_from([None, 0.0, 2.0, 20.0]), "shortest_pulse": st.sampled_from([0.0, 5.0, 40.0])}
)


@settings(deadline=None)
@given(belts(), PULSES, st.sampled_from([None, 45.0, 70.0]))
def test_windows_of_a_nozzle_never_overlap_and_are_what_a_valve_can_do(belt: Any, keys: Any, longest: float | None):
    _, due = sorter(*belt, **keys, longest_pulse=longest)
    made = plant(**keys, longest_pulse=longest)
    for nozzle in range(10):
        own = [w for w in due.windows if w.nozzle == nozzle]
        for window in own:
            assert window.close - window.open >= keys["shortest_pulse"] / 1e3 - 1e-9
            assert longest is None or window.close - window.open <= longest / 1e3 + 1e-9
        for before, after in pairwise(own):
            assert after.open - before.close >= made.gap - 1e-9
        switches = [c for c in due.commands if c.nozzle == nozzle]
        assert [c.on for c in switches] == [True, False] * len(own)
        assert [c.time for c in switches] == [t for w in own for t in (w.open, w.close)]


@settings(deadline=None)
@given(belts(), PULSES)
def test_every_blown_particle_is_covered_and_nothing_else_is(belt: Any, keys: Any):
    _, due = sorter(*belt, **keys)
    made = plant(**keys)
    wanted: dict[int, list[tuple[float, float, int]]] = {}
    for number, (x, y, w, h, blown) in enumerate(belt, start=1):
        if blown:
            passed = passage(block(w, h), x, y, made, made.dilation)
            for nozzle, opened, closed in zip(passed.nozzles, *times(passed, made), strict=True):
                wanted.setdefault(nozzle, []).append((opened, closed, number))
    for nozzle, shots in wanted.items():
        for opened, closed, number in shots:
            assert any(
                w.open <= opened and w.close >= closed and number in w.particles
                for w in due.windows
                if w.nozzle == nozzle
            )
    for window in due.windows:
        edges = sorted(s for s in wanted[window.nozzle] if s[2] in window.particles)
        assert window.open == edges[0][0]
        assert window.close == max(s[1] for s in edges)
        reach = edges[0][1]
        for opened, closed, _ in edges:
            assert opened <= reach + made.gap  # no hole that the valve could have shut in
            reach = max(reach, closed)


@settings(deadline=None)
@given(belts(), st.randoms(use_true_random=False), PULSES, st.sampled_from([None, 45.0]))
def test_the_order_of_arrival_changes_nothing(belt: Any, random: Any, keys: Any, longest: float | None):
    made, due = plant(**keys, longest_pulse=longest), []
    for shuffled in (False, True):
        schedule, order = Schedule(made), list(enumerate(belt))
        if shuffled:
            random.shuffle(order)
        for number, (x, y, w, h, blown) in order:
            schedule.add(number, block(w, h), x, y, blown, 0.0)
        found = schedule.due(NEVER)
        due.append(found._replace(windows=[w._replace(particles=tuple(sorted(w.particles))) for w in found.windows]))
    assert due[0] == due[1]


@settings(deadline=None)
@given(belts(), st.integers(1, 40), PULSES, st.sampled_from([None, 45.0]))
def test_given_out_bit_by_bit_it_is_the_same_as_at_once(belt: Any, step: int, keys: Any, longest: float | None):
    made = plant(**keys, longest_pulse=longest)
    expected = sorter(*belt, **keys, longest_pulse=longest)[1]
    schedule, given_out = Schedule(made), Due([], [], [], [])
    coming = sorted((y + h + 50, number, (x, y, w, h, blown)) for number, (x, y, w, h, blown) in enumerate(belt, 1))
    for line in range(0, 1_500, step):
        while coming and coming[0][0] <= line:
            _, number, (x, y, w, h, blown) = coming.pop(0)
            schedule.add(number, block(w, h), x, y, blown, line / 1e3)
        due = schedule.due(line / 1e3)
        for command in due.commands:
            assert command.time >= line / 1e3 + 0.001 - step / 1e3 - 1e-9
        for known, new in zip(given_out, due, strict=True):
            known.extend(new)  # type: ignore[arg-type]
    assert schedule.due(NEVER) == Due([], [], [], [])
    assert schedule.late == 0

    def plain(due: Due) -> list[Any]:
        own = sorted(Window(w.nozzle, w.open, w.close, tuple(sorted(w.particles))) for w in due.windows)
        return [sorted(due.commands), own, sorted(due.struck), sorted(set(due.cut))]

    assert plain(given_out) == plain(expected)


@settings(deadline=None, max_examples=50)
@given(belts())
def test_struck_are_those_whose_way_crosses_any_air(belt: Any):
    _, due = sorter(*belt)
    made = plant()
    expected = []
    for number, (x, y, w, h, blown) in enumerate(belt, start=1):
        passed = passage(block(w, h), x, y, made)
        if not blown and any(
            start < air(one.open, one.close, made)[1] - 1e-9 and stop > air(one.open, one.close, made)[0] + 1e-9
            for nozzle, start, stop in zip(passed.nozzles, *passing(passed, made), strict=True)
            for one in due.windows
            if one.nozzle == nozzle
        ):
            expected.append(number)
    assert due.struck == expected


def test_memory_does_not_grow_with_the_belt():
    schedule = Schedule(plant())
    sizes = []
    for line in range(0, 40_000, 40):
        schedule.add(line, block(8, 10), line % 90, line, line % 80 == 0, line / 1e3)
        schedule.due(line / 1e3)
        held = sum(len(spans) for spans in schedule._air.values()) + len(schedule._passing)
        sizes.append(held + sum(len(valve.pending) for valve in schedule._valves.values()))
    assert max(sizes[600:]) <= max(sizes[300:600]) + 5


@pytest.mark.parametrize("blown", [True, False])
def test_a_mask_without_pixels_moves_nothing(blown: bool):
    schedule = Schedule(plant())
    schedule.add(1, profile(np.zeros((4, 5), np.bool_)), 3, 3, blown, 0.0)
    assert schedule.due(NEVER) == Due([], [], [], [])
    assert schedule.unreached == int(blown)


def test_a_particle_that_several_valves_cut_is_told_once():
    schedule = Schedule(plant(longest_pulse=10.0))
    rows = profile(np.tri(60, 20, dtype=np.bool_))  # slanted: its nozzles do not blow together
    schedule.add(7, rows, 5, 100, blown=True, now=0.16)
    told = [number for line in range(160, 1_000) for number in schedule.due(line / 1_000).cut]
    assert told == [7]
