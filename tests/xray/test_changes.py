"""What a thicker particle, or one with more of a mineral, looks like: against figures computed elsewhere."""

import numpy as np
import pytest

from oresort.errors import InputError
from oresort.xray.beam import make_beam
from oresort.xray.changes import CHANGES, Change, Host
from oresort.xray.detector import Stack
from oresort.xray.minerals import mass_fraction

QUARTZ = Host(make_beam(160.0, Stack()), {"quartz": 1.0})
COPPER = mass_fraction("chalcopyrite", "Cu")


@pytest.mark.parametrize(
    ("mineral", "percent", "low", "high", "residual"),
    [
        ("chalcopyrite", 0.1 / COPPER, 0.008, 0.004, 0.005),
        ("chalcopyrite", 1 / COPPER, 0.075, 0.041, 0.044),
        ("pyrite", 2.0, 0.039, 0.023, 0.021),
        ("pyrite", 10.0, 0.19, 0.118, 0.096),
        ("magnetite", 3.0, 0.070, 0.041, 0.039),
    ],
)
def test_20_mm_of_quartz_change_as_known(mineral: str, percent: float, low: float, high: float, residual: float):
    thickness = np.array([20.0], np.float32)
    before, after = QUARTZ.attenuation(thickness), QUARTZ.attenuation(thickness, mineral, percent)
    assert (after / before - 1)[:, 0].tolist() == pytest.approx([low, high], abs=0.0006)
    curve = QUARTZ.attenuation(QUARTZ.thickness(after[1]))[0]
    assert float(after[0, 0] - curve[0]) == pytest.approx(residual, abs=0.0008)


def test_thickness_undoes_attenuation_in_both_layers():
    thickness = np.linspace(0, 80, 41, dtype=np.float32)
    for layer, seen in enumerate(QUARTZ.attenuation(thickness)):
        np.testing.assert_allclose(QUARTZ.thickness(seen, layer), thickness, atol=0.01)
    assert QUARTZ.thickness(np.array([-0.05], np.float32)).tolist() == [0]


def test_a_change_of_the_host_is_the_host_changed_and_none_leaves_all_as_it_is():
    thickness = np.array([5.0, 15.0, 25.0], np.float32)
    low, high = QUARTZ.attenuation(thickness)
    thick = QUARTZ.changed(low, high, Change("thicker", thicker=0.1))
    np.testing.assert_allclose(thick, QUARTZ.attenuation(np.float32(1.1) * thickness), atol=1e-3)
    richer = QUARTZ.changed(low, high, Change("pyrite", mineral="pyrite", percent=5.0))
    np.testing.assert_allclose(richer, QUARTZ.attenuation(thickness, "pyrite", 5.0), atol=1e-3)
    noise = np.array([0.05, -0.1, 0.02], np.float32)
    same = QUARTZ.changed(low + noise, high, Change("nothing"))
    np.testing.assert_allclose(same, (low + noise, high), atol=1e-5)


def test_noise_grows_as_the_root_of_the_counts_that_are_lost_and_not_with_the_rock():
    low, high = QUARTZ.attenuation(np.array([15.0], np.float32))
    noise = np.array([0.1], np.float32)
    change = Change("thicker", thicker=0.2)
    thick = QUARTZ.changed(low + noise, high, change, smooth=np.zeros_like)
    plain = QUARTZ.changed(low, high, change)
    lost = (plain[0] - low).item()
    assert (thick[0] - plain[0]).item() == pytest.approx(0.1 * np.exp(lost / 2), rel=1e-3)
    assert (thick[1] - plain[1]).item() == pytest.approx(0, abs=1e-6)


def test_every_change_of_the_table_changes_both_layers():
    low, high = QUARTZ.attenuation(np.array([15.0], np.float32))
    for change in CHANGES:
        new = QUARTZ.changed(low, high, change)
        assert all(abs(float(after[0] - before[0])) > 1e-4 for after, before in zip(new, (low, high), strict=True))
        assert (new[0] > low) == (change.thicker >= 0)


def test_a_host_of_unknown_minerals_is_refused():
    with pytest.raises(InputError, match="'quarz' is no mineral"):
        Host(QUARTZ.beam, {"quarz": 1.0})
    with pytest.raises(InputError, match="add up to 1"):
        Host(QUARTZ.beam, {"quartz": 0.5})
