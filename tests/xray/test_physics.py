"""The physics against direct integrals and published ratios."""

import numpy as np
import pytest
import xraylib

from oresort.errors import InputError
from oresort.xray import tube
from oresort.xray.beam import make_beam, mixture, transmission
from oresort.xray.detector import Stack, response
from oresort.xray.minerals import MINERALS, mass_fraction, mineral


def thickness_ratio(name: str, h_wanted: float) -> float:
    """R = l/h of a slab of one mineral where its h is as wanted, through the package's beam."""
    beam = make_beam(160.0, Stack())
    millimetres = np.linspace(0.01, 80, 4000, dtype=np.float32)[None]
    l, h = (  # noqa: E741 - the field's names
        -np.log(transmission(millimetres, mixture(beam, [name], [1.0])[k][None], beam.weights[k]))
        for k in (0, 1)
    )
    return float(np.interp(h_wanted, h, l) / h_wanted)


@pytest.mark.parametrize("name", ["quartz", "calcite", "pyrite", "chalcopyrite"])
def test_a_slab_agrees_with_direct_integration(name: str):
    stack, energies = Stack(), tube.energies()
    weights = response(160.0, stack)
    beam = make_beam(160.0, stack)
    formula, density = mineral(name)
    mu = np.array([xraylib.CS_Total_CP(formula, e) for e in energies]) * density / 10  # 1/mm
    for thick in (0.5, 5.0, 20.0):
        for layer in (0, 1):
            direct = (weights[layer] * np.exp(-mu * thick)).sum()
            path = np.full((1, 1), thick, np.float32)
            ours = transmission(path, mixture(beam, [name], [1.0])[layer][None], beam.weights[layer])[0]
            # within 1 % of the attenuation, though the beam has 19 energy groups
            assert np.log(ours) == pytest.approx(np.log(direct), rel=0.01)


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("quartz", (1.44, 1.39, 1.34)),
        ("orthoclase", (1.56, 1.48, 1.40)),
        ("calcite", (1.74, 1.61, 1.50)),
        ("pyrite", (2.21, 1.93, 1.70)),
        ("magnetite", (2.30, 1.99, 1.74)),
        ("chalcopyrite", (2.36, 2.02, 1.76)),
    ],
)
def test_pure_minerals_have_their_known_ratio(name: str, ratios: tuple[float, ...]):
    for h, expected in zip((0.3, 0.7, 1.3), ratios, strict=True):
        assert thickness_ratio(name, h) == pytest.approx(expected, rel=0.02)


def test_weights_are_shares_and_the_rear_layer_sees_harder_rays():
    weights, energies = response(160.0, Stack()), tube.energies()
    assert weights.sum(axis=1) == pytest.approx([1, 1])
    assert (weights >= 0).all()
    low, high = weights @ energies
    assert (low, high) == pytest.approx((74, 107), abs=2)  # the reference stack's mean energies in keV
    assert (weights[:, energies > 160] == 0).all()


def test_no_rock_is_air_and_more_rock_is_darker():
    beam = make_beam(160.0, Stack())
    rows = mixture(beam, ["quartz", "pyrite"], [0.9, 0.1])
    path = np.array([[0, 1, 2, 5, 10, 50]], np.float32)
    for layer in (0, 1):
        passed = transmission(path, rows[layer][None], beam.weights[layer])
        assert passed[0] == pytest.approx(1, abs=1e-6)
        assert (np.diff(passed) < 0).all()


def test_copper_in_chalcopyrite():
    assert mass_fraction("chalcopyrite", "Cu") == pytest.approx(0.346, abs=0.001)
    assert mass_fraction("quartz", "Cu") == 0
    assert len(MINERALS) > 30


def test_bad_input_names_the_mend():
    beam = make_beam(160.0, Stack())
    with pytest.raises(InputError, match="add up to 1"):
        mixture(beam, ["quartz"], [0.9])
    with pytest.raises(InputError, match="choose from"):
        mineral("kryptonite")
    with pytest.raises(InputError, match="from 130 to 190 kV"):
        make_beam(90.0, Stack())
    with pytest.raises(InputError, match="front=0"):
        Stack(front=0)
