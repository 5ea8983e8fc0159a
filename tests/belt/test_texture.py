"""What is painted inside a rock adds up: mass balance of every mineral, exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oresort.belt.fields import draw_fields, evaluate
from oresort.belt.grains import Grains, draw_grains, splat
from oresort.belt.rock import PAINTED, Rock, draw_lot, draw_rock
from oresort.belt.solid import draw_solid, span
from oresort.belt.texture import draw_texture, host_density, paint
from oresort.xray.minerals import mass_fraction

STEP = 0.38
AXIS = (np.arange(-70, 71) * STEP).astype(np.float32)


def draw(seed: int, slope: float = 0.3) -> tuple[Rock, np.ndarray, np.ndarray, np.ndarray]:
    """A rock, its painted heights, its chord and the volumes aimed at."""
    rng = np.random.default_rng(seed)
    rock = draw_rock(rng, draw_lot(rng, 0.7, True, 0.8))
    solid = draw_solid(rng, 18.0, 1.4, 0.8)
    extent = span(solid, AXIS, AXIS, slope)
    texture = draw_texture(rng, rock, solid.reach, extent, AXIS, AXIS)
    heights = paint(texture, rock, extent, AXIS, AXIS, slope)
    return rock, heights, np.maximum(extent[1] - extent[0], 0.0), texture.volumes


@pytest.mark.parametrize("seed", range(12))
def test_heights_add_up_to_the_rock_and_volumes_to_what_was_aimed_at(seed: int):
    _, heights, chord, volumes = draw(seed)
    assert (heights >= -1e-5).all()
    assert heights.sum(axis=0) == pytest.approx(chord, abs=2e-4)
    painted = heights[2:].sum(axis=(1, 2), dtype=np.float64) * STEP**2
    assert (painted <= volumes * (1 + 1e-4) + 1e-6).all()
    if painted.sum() < 0.2 * chord.sum() * STEP**2:
        # a clot over a thin rim is cut to what the ray has room for: the truth is then what was painted
        assert painted == pytest.approx(volumes, rel=0.08)
        assert painted.sum() == pytest.approx(volumes.sum(), rel=0.03)


def test_grades_of_a_lot_follow_the_published_populations():
    rng = np.random.default_rng(0)
    lot = draw_lot(rng, 0.5, True, 0.8)
    rocks = [draw_rock(rng, lot) for _ in range(2000)]
    copper = np.array(
        [sum(r.painted[2 + k] * mass_fraction(m, "Cu") for k, m in enumerate(PAINTED[2:])) for r in rocks]
    )
    rich = np.array([r.mineralised for r in rocks])
    assert np.median(100 * copper[rich]) == pytest.approx(0.30, rel=0.12)
    assert np.median(100 * copper[~rich]) == pytest.approx(0.025, rel=0.12)
    densities = np.array([host_density(r).mean() for r in rocks])
    assert ((densities > 2.3) & (densities < 3.4)).all()
    assert all(np.isclose(r.hosts.sum(axis=1), 1).all() for r in rocks)


def test_without_association_ore_and_waste_differ_in_copper_alone():
    rng = np.random.default_rng(1)
    for association, differ in ((0.0, False), (1.0, True)):
        lot = draw_lot(rng, 0.5, True, association)
        rocks = [draw_rock(rng, lot) for _ in range(1500)]
        rich = np.array([r.mineralised for r in rocks])
        for quantity in (np.log([r.painted[0] for r in rocks]), np.array([r.veinlets for r in rocks], float)):
            gap = quantity[rich].mean() - quantity[~rich].mean()
            error = quantity.std() * np.sqrt(4 / len(rocks))
            assert (abs(gap) > 6 * error) == differ


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.02, 3.0), st.integers(0, 2)), max_size=30))
def test_a_grain_keeps_its_volume_wherever_it_lies(drawn: list[tuple[float, float, float, int]]):
    columns = list(zip(*drawn, strict=True)) if drawn else [(), (), (), ()]
    x, y, size = (np.array(column, dtype=np.float32) for column in columns[:3])
    grains = Grains(x, y, size, np.array(columns[3], dtype=np.int64))
    grid = np.arange(-4, 4, 0.38, dtype=np.float32)
    heights = splat(grains, 3, grid, grid).sum(axis=(1, 2), dtype=np.float64) * 0.38**2
    for kind in range(3):
        volume = np.pi / 6 * size[grains.kind == kind].astype(float) ** 3
        assert heights[kind] == pytest.approx(volume.sum(), rel=1e-3)


def test_drawn_grains_stay_within_their_volume_and_lie_in_the_rock():
    chord = np.zeros((30, 30))
    chord[10:20, 10:20] = 5.0
    axis = (np.arange(30) * STEP).astype(np.float32)
    volumes, medians = np.array([20.0, 0.001, 3.0]), np.array([0.1, 0.1, 0.3])
    grains = draw_grains(np.random.default_rng(0), volumes, medians, np.cumsum(chord), axis, axis)
    for kind, volume in enumerate(volumes):
        size = grains.diameter[grains.kind == kind].astype(float)
        assert (np.pi / 6 * size**3).sum() <= volume * (1 + 1e-6)
        assert (size <= 3.0).all()
    half = STEP / 2 + 1e-4
    for place in (grains.x, grains.y):
        assert place.min() >= axis[10] - half
        assert place.max() <= axis[19] + half


def test_fields_have_unit_variance_and_do_not_depend_on_the_grid():
    fields = draw_fields(np.random.default_rng(0), 200, 10.0, 2.0)
    fine = np.arange(-8, 8, 0.25, dtype=np.float32)
    values = evaluate(fields, fine, fine)
    assert values.var() == pytest.approx(1.0, abs=0.05)
    assert evaluate(fields, fine[::4], fine[::4]) == pytest.approx(values[:, ::4, ::4], abs=1e-4)


def test_a_shear_keeps_the_volume():
    solid = draw_solid(np.random.default_rng(4), 18.0, 1.3, 0.7)
    volumes = []
    for slope in (0.0, 0.5, 1.0):
        bottom, top = span(solid, AXIS, AXIS, slope)
        volumes.append(np.maximum(top - bottom, 0).sum() * STEP**2)
    assert volumes[1:] == pytest.approx([volumes[0]] * 2, rel=0.01)
