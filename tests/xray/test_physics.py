"""The physics against direct integrals and published ratios."""

import numpy as np
import pytest
import xraylib
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.xray import tube
from oresort.xray.beam import Beam, make_beam, transmission
from oresort.xray.detector import Stack, deposited, response
from oresort.xray.minerals import MINERALS, mass_fraction, mineral_coefficients


def of(beam: Beam, name: str) -> np.ndarray:
    """Attenuation (2, G) in 1/mm of one mineral."""
    return beam.coefficients[:, list(MINERALS).index(name)]


def thickness_ratio(name: str, h_wanted: float) -> float:
    """R = l/h of a slab of one mineral where its h is as wanted, through the package's beam."""
    beam = make_beam(160.0, Stack())
    millimetres = np.linspace(0.01, 80, 4000, dtype=np.float32)[None]
    l, h = (  # noqa: E741 - the field's names
        -np.log(np.maximum(transmission(millimetres, of(beam, name)[k][None], beam.weights[k]), 1e-30)) for k in (0, 1)
    )
    return float(np.interp(h_wanted, h, l) / h_wanted)


@pytest.mark.parametrize("name", ["quartz", "calcite", "pyrite", "chalcopyrite"])
def test_a_slab_agrees_with_direct_integration(name: str):
    stack, energies = Stack(), tube.energies()
    weights = response(160.0, stack)
    beam = make_beam(160.0, stack)
    formula, density = MINERALS[name]
    mu = np.array([xraylib.CS_Total_CP(formula, e) for e in energies]) * density / 10  # 1/mm
    for thick in (0.5, 5.0, 20.0):
        for layer in (0, 1):
            direct = (weights[layer] * np.exp(-mu * thick)).sum()
            path = np.full((1, 1), thick, np.float32)
            ours = transmission(path, of(beam, name)[layer][None], beam.weights[layer])[0]
            # within 1 % of the attenuation, though the beam has 19 energy groups
            assert np.log(ours) == pytest.approx(np.log(direct), rel=0.01)


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("quartz", (1.44, 1.39, 1.34)),
        ("albite", (1.42, 1.37, 1.33)),
        ("oligoclase", (1.46, 1.40, 1.35)),
        ("orthoclase", (1.56, 1.48, 1.40)),
        ("muscovite", (1.51, 1.44, 1.38)),
        ("biotite", (1.76, 1.63, 1.51)),
        ("chlorite", (1.80, 1.65, 1.53)),
        ("epidote", (1.82, 1.67, 1.54)),
        ("hornblende", (1.78, 1.64, 1.52)),
        ("calcite", (1.74, 1.61, 1.50)),
        ("dolomite", (1.57, 1.49, 1.41)),
        ("ankerite", (1.99, 1.78, 1.61)),
        ("siderite", (2.13, 1.88, 1.67)),
        ("anhydrite", (1.75, 1.61, 1.50)),
        ("gypsum", (1.66, 1.55, 1.46)),
        ("kaolinite", (1.39, 1.35, 1.31)),
        ("andradite", (2.00, 1.79, 1.62)),
        ("grossular", (1.69, 1.58, 1.47)),
        ("diopside", (1.62, 1.52, 1.44)),
        ("rutile", (2.01, 1.80, 1.62)),
        ("magnetite", (2.30, 1.99, 1.74)),
        ("hematite", (2.29, 1.98, 1.73)),
        ("pyrite", (2.21, 1.93, 1.70)),
        ("pyrrhotite", (2.28, 1.97, 1.73)),
        ("chalcopyrite", (2.36, 2.02, 1.76)),
        ("bornite", (2.43, 2.07, 1.79)),
        ("chalcocite", (2.46, 2.09, 1.80)),
        ("covellite", (2.41, 2.06, 1.78)),
        ("malachite", (2.33, 2.00, 1.75)),
        ("molybdenite", (2.62, 2.19, 1.86)),
        ("sphalerite", (2.45, 2.08, 1.79)),
        ("galena", (1.39, 1.31, 1.24)),
        ("barite", (2.58, 2.21, 1.88)),
        ("arsenopyrite", (2.50, 2.11, 1.81)),
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


def test_the_layers_keep_no_more_energy_than_reaches_them():
    before = Stack(front=0.001, between=0.0, rear=0.001)  # hardly anything is kept: what the filters pass goes on
    for stack in (Stack(), Stack(front=5.0), Stack(rear=50.0), Stack(copper=0.0, aluminium=0.0, film=2.0)):
        kept = deposited(stack)
        assert (kept >= 0).all()
        assert (kept.sum(axis=0) <= 1).all()
    assert (deposited(Stack(between=0.0, rear=50.0)).sum(axis=0) > deposited(before).sum(axis=0)).all()
    # the front layer takes nothing away that it does not stop: thin it, and the rear one sees more at all energies
    assert (deposited(Stack(front=0.1))[1] >= deposited(Stack(front=0.2))[1]).all()


def test_energy_groups_conserve_signal_and_first_order_attenuation():
    for kvp in (140.0, 163.0, 180.0):
        stack = Stack()
        fine, beam = response(kvp, stack), make_beam(kvp, stack)
        mu = mineral_coefficients(tube.energies())
        assert beam.weights.sum(axis=1) == pytest.approx([1, 1], abs=1e-6)
        grouped = np.einsum("lg,lmg->lm", beam.weights.astype(float), beam.coefficients.astype(float))
        assert grouped == pytest.approx(fine @ mu.T, rel=1e-5)


@given(st.floats(130.0, 190.0))
def test_a_spectrum_ends_at_the_voltage_and_gains_energy_with_it(kvp: float):
    energies, fluence = tube.energies(), tube.tube_spectrum(kvp)
    assert (fluence >= 0).all()
    assert (fluence[energies >= kvp] == 0).all()
    weaker = tube.tube_spectrum(max(kvp - 10, 130.0))
    assert fluence @ energies >= weaker @ energies


def test_no_rock_is_air_and_more_rock_is_darker():
    beam = make_beam(160.0, Stack())
    rows = 0.9 * of(beam, "quartz") + 0.1 * of(beam, "pyrite")
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
    with pytest.raises(InputError, match="from 130 to 190 kV"):
        make_beam(90.0, Stack())
    with pytest.raises(InputError, match="front=0"):
        Stack(front=0)
