"""One particle at the nozzles, by hand; a plant's yaml; what the row of nozzles does to a classifier's rates."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ejector_plant import ROUND, plant
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.sorting.ejectors.efficiency import co_deflection, expected
from oresort.sorting.ejectors.settings import EXAMPLE, Ejectors, load_ejectors
from oresort.sorting.ejectors.shots import Profile, air, passage, passing, profile, times


def block(width: int, height: int) -> Profile:
    return profile(np.ones((height, width), np.bool_))


def test_the_profile_of_a_mask():
    mask = np.array([[0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1]], np.bool_)
    assert profile(mask) == ([1, 0, 3, 2], [2, 3, 0, 3])


def test_nozzles_are_those_over_whose_stripe_the_particle_lies():
    # columns 12 to 31 of 1 mm: stripes 10-20, 20-30 and 30-40
    found = passage(block(20, 7), 12, 100, plant())
    assert found.nozzles == [1, 2, 3]
    assert found.first == [100.0] * 3
    assert found.stop == [107.0] * 3
    assert found.reached
    # edges that only touch are not over it, also where sums of tenths are not exact
    assert passage(block(20, 7), 10, 0, plant()).nozzles == [1, 2]
    tenths = plant(pixel=0.1, nozzle_pitch=0.3, first_nozzle=0.15)
    assert passage(block(3, 1), 3, 0, tenths).nozzles == [1]


def test_each_nozzle_has_the_lines_of_its_own_columns():
    mask = np.zeros((30, 20), np.bool_)
    mask[:12, :10] = True
    mask[10:, 10:] = True
    found = passage(profile(mask), 20, 0, plant())
    assert found.nozzles == [2, 3]
    assert found.first == [0.0, 10.0]
    assert found.stop == [12.0, 30.0]


def test_a_dilated_particle_is_larger_on_every_side():
    found = passage(block(10, 7), 20, 50, plant(), dilation=2.0)
    assert found.nozzles == [1, 2, 3]
    assert found.first == [48.0] * 3
    assert found.stop == [59.0] * 3
    lines = plant(line_rate=2_000.0)  # of half a millimetre
    assert passage(block(10, 7), 20, 50, lines, dilation=2.0).first == [46.0] * 3


def test_what_lies_beside_all_nozzles_is_not_reached():
    beyond = passage(block(10, 4), 95, 0, plant())
    assert beyond.nozzles == [9]
    assert not beyond.reached
    nowhere = passage(block(10, 4), 120, 0, plant())
    assert nowhere.nozzles == nowhere.first == nowhere.stop == []
    assert not nowhere.reached
    assert passage(block(10, 4), 90, 0, plant(), dilation=3.0).reached  # its rim may be beside them, it is not


def test_times_by_hand():
    # line 100 begins at 0.1 s and comes to the valves at 0.6 s; 8 + 2 + 1 ms sooner the valve is told to open. The end
    # of line 119, at 0.12 s, is there at 0.62 s; the valve is told 2 ms sooner, and 1 ms later for the margin
    opened, closed = times(passage(block(8, 20), 1, 100, plant()), plant())
    np.testing.assert_allclose(opened, [0.589])
    np.testing.assert_allclose(closed, [0.619])
    # full air 1 ms before the particle, none 1 ms after it and the 6 ms of closing
    np.testing.assert_allclose(air(0.589, 0.619, plant()), (0.599, 0.627))
    assert plant().overblown == pytest.approx(0.008)
    np.testing.assert_allclose(passing(passage(block(8, 20), 1, 100, plant()), plant()), [[0.6], [0.62]])


def test_the_example_of_a_coal_rig():
    # 860 mm at 3 m/s are 286.7 ms; 8 + 2 + 1 ms for valve, air and safety
    rig = plant(distance=860.0, belt_speed=3.0, nozzle_pitch=30.0, first_nozzle=15.0)
    opened, _ = times(passage(block(8, 20), 1, 0, rig), rig)
    assert opened[0] == pytest.approx(0.286667 - 0.011, abs=1e-6)


def test_jitter_opens_for_the_fastest_belt_and_closes_for_the_slowest():
    loose = plant(speed_jitter=0.25)
    opened, closed = times(passage(block(8, 20), 1, 100, loose), loose)
    np.testing.assert_allclose(opened, [0.1 + 0.5 / 1.25 - 0.011])
    np.testing.assert_allclose(closed, [0.12 + 0.5 / 0.75 - 0.001])


def test_no_pulse_is_shorter_than_the_valve_can():
    opened, closed = times(passage(block(8, 2), 1, 0, plant()), plant(shortest_pulse=40.0))
    assert closed[0] - opened[0] == pytest.approx(0.04)


@given(
    mask=st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=1, max_size=12),
    x=st.integers(0, 80),
    pitch=st.floats(2, 30),
    dilation=st.floats(0, 5),
)
def test_every_pixel_is_covered_by_the_air_of_its_nozzle(mask: list[list[bool]], x: int, pitch: float, dilation: float):
    shape = np.array(mask, np.bool_)
    made = plant(nozzle_pitch=pitch, first_nozzle=pitch / 2, nozzles=200)
    found = passage(profile(shape), x, 50, made, dilation)
    opened, closed = times(found, made)
    spans = {n: air(a, b, made) for n, a, b in zip(found.nozzles, opened, closed, strict=True)}
    for row, column in np.argwhere(shape).tolist():
        nozzle = math.floor((x + column + 0.5) / pitch)
        begin, end = spans[nozzle]
        arrives = (50 + row) / 1_000 + 0.5
        assert begin <= arrives - 0.001 + 1e-9  # by its margin
        assert end >= arrives + 0.001 + 0.001 - 1e-9
    # and nozzles further than the dilation blow for nothing
    columns = np.flatnonzero(shape.any(axis=0))
    for nozzle in spans:
        assert columns.size
        assert nozzle * pitch < x + columns[-1] + 1 + dilation
        assert (nozzle + 1) * pitch > x + columns[0] - dilation


# --- the yaml


def write(tmp_path: Path, **keys: Any) -> Path:
    file = tmp_path / "ejectors.yaml"
    file.write_text(yaml.safe_dump(keys))
    return file


def test_a_plants_file_is_read(tmp_path: Path):
    assert load_ejectors(write(tmp_path, **ROUND)) == plant()


def test_the_template_has_every_key_with_its_default_and_leaves_open_what_only_the_plant_knows():
    content = yaml.safe_load(EXAMPLE.read_text())
    fields = Ejectors.__dataclass_fields__
    assert list(content) == list(fields)
    for name, field in fields.items():
        if not isinstance(field.default, type(Ejectors.__dataclass_fields__["pixel"].default)):
            assert content[name] == field.default, name
        else:
            assert content[name] is None, name
    # whoever has an installed package alone is told where it lies
    told = rf"pixel, belt_speed, .*speed_jitter: missing, only the plant knows; {EXAMPLE} has every key"
    with pytest.raises(InputError, match=told):
        load_ejectors(EXAMPLE)
    keys = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    assert all("#" in line for line in keys)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"distance": None}, "distance: missing, only the plant knows"),
        ({"pixel": 0}, "pixel=0: give a number above 0"),
        ({"pixel": "0.4"}, "pixel=0.4: give a number"),
        ({"belt_speed": math.nan}, "belt_speed=nan"),
        ({"line_rate": -1}, "line_rate=-1: give a number above 0"),
        ({"nozzles": 2.5}, "nozzles=2.5: give a whole number"),
        ({"open_delay": True}, "open_delay=true: give a number"),
        ({"speed_jitter": 0.6}, "speed_jitter=0.6: give a number from 0 to 0.5"),
        ({"blown": "gold"}, "blown=gold: known are waste, ore"),
        ({"longest_pulse": 2}, "longest_pulse=2: shorter than shortest_pulse=5"),
        ({"true_ore_rate": 0.9}, "only one is given"),
        ({"true_ore_rate": 0.1, "false_ore_rate": 0.9}, "of waste more is called ore"),
        ({"pixel": 0.001}, "a line is 1 mm of belt, with pixel=0.001 mm; one of them is in another unit"),
        ({"line_rate": 100_000.0}, "a line is 0.01 mm of belt"),
        ({"nozzle_pitch": 0.02}, "nozzle_pitch=0.02: less than a pixel of 1 mm; give it in mm"),
        ({"open_delay": 0.008}, "open_delay=0.008: no valve is so quick; give it in ms"),
        ({"close_delay": 0.006}, "close_delay=0.006: no valve is so quick"),
        ({"shortest_pulse": 0.005}, "shortest_pulse=0.005: no valve is so quick"),
        ({"shortest_pulse": 0.0, "longest_pulse": 0.04}, "longest_pulse=0.04: no valve is so quick"),
        ({"distence": 3}, "distence: no such key; did you mean distance?"),
    ],
)
def test_nonsense_is_refused_in_one_line(tmp_path: Path, changed: dict[str, Any], said: str):
    file = write(tmp_path, **ROUND | changed)
    with pytest.raises(InputError) as error:
        load_ejectors(file)
    assert said in str(error.value)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path):
    file = write(tmp_path, **ROUND)
    file.write_text(f"{file.read_text()}pixel: 3.0\n")
    with pytest.raises(InputError, match=r"pixel stands twice, the second time on line \d+"):
        load_ejectors(file)


def test_nozzles_over_a_scan_are_counted():
    # stripes of 10 mm from 0 to 100 mm
    assert [plant().over(columns) for columns in (1, 10, 11, 95, 100, 1_000)] == [1, 1, 2, 10, 10, 10]
    assert [plant(first_nozzle=at).over(50) for at in (-96.0, -95.0, -94.0, 54.0, 55.0, 15.0)] == [0, 0, 1, 1, 0, 4]
    plant(first_nozzle=54.0).check_columns(50)
    with pytest.raises(
        InputError, match=r"first_nozzle=55: all nozzles lie beside the scan, whose 50 columns take 50 mm"
    ):
        plant(first_nozzle=55.0).check_columns(50)


def test_a_plant_where_nothing_can_be_in_time_is_refused():
    plant(distance=100.0).check_time(87)  # 100 ms, of which 11 + 1 + 88
    with pytest.raises(InputError, match=r"distance=100: the belt is at the valves after 100\.0 ms, .* need 101\.0 ms"):
        plant(distance=100.0).check_time(88)


# --- rates


def test_co_deflection_by_hand():
    assert co_deflection(0.0, 20, 30, plant()) == 0
    # (20 + 10) mm by (30 mm + 1 m/s 8 ms) are 0.03 m x 0.038 m
    assert co_deflection(100.0, 20, 30, plant()) == pytest.approx(1 - math.exp(-100 * 0.03 * 0.038))


def test_expected_rates_by_hand():
    assert expected(0.9, 0.2, 1.0, 0.0) == (0.9, 0.8)
    assert expected(0.9, 0.2, 0.95, 0.1) == pytest.approx((0.81, 0.8 * 0.95 + 0.2 * 0.1))
    assert expected(0.9, 0.2, 0.95, 0.1, "ore") == pytest.approx((0.9 * 0.95 + 0.1 * 0.1, 0.8 * 0.9))
    # a classifier that calls everything ore rejects what is blown out by accident alone
    assert expected(1.0, 1.0, 0.95, 0.1) == pytest.approx((0.9, 0.1))


@given(*[st.floats(0, 1)] * 4, st.sampled_from(["waste", "ore"]))
def test_rates_stay_shares(true_ore: float, false_ore: float, hit: float, kappa: float, blown: str):
    found = expected(true_ore, false_ore, hit, kappa, blown)
    assert 0 <= found.recovery <= 1
    assert 0 <= found.rejection <= 1
