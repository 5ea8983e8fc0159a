from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.make import make
from oresort.models.inputs import Inputs
from oresort.represent.geometry import Canvas, Resize
from oresort.represent.mask import particle_mask
from oresort.represent.representation import PLANES, Attenuation, Representation, Standardized

AIR = 50_000.0


def slab(l_value: float, h_value: float, shape: tuple[int, int] = (30, 60)) -> tuple[np.ndarray, np.ndarray]:
    """Layers of a block of uniform attenuation that fills its crop."""
    return tuple(np.full(shape, round(AIR * np.exp(-a)), np.uint16) for a in (l_value, h_value))


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_canvas_keeps_the_integral_of_what_fits(height: int, width: int, seed: int):
    image = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    canvas = Canvas(size=40, extent=200)
    assert canvas(image).sum() * (200 / 40) ** 2 == pytest.approx(image.sum(), rel=1e-4)


def test_a_canvas_keeps_size_and_aspect_and_resize_does_not():
    small, large = np.ones((30, 60), np.float32), np.ones((60, 120), np.float32)
    canvas = Canvas(size=40, extent=120)
    assert canvas(large).sum() == pytest.approx(4 * canvas(small).sum())
    rows, columns = np.nonzero(canvas(small) > 0.5)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (10, 20)
    assert Resize(40)(small).min() == 1.0


def test_a_particle_larger_than_the_canvas_is_shrunk_whole():
    image = np.zeros((300, 150), np.float32)
    image[:20, :20] = image[-20:, -20:] = 1.0
    out = Canvas(size=40, extent=120)(image)
    assert out[:5].sum() > 1
    assert out[-5:].sum() > 1


def test_attenuation_is_the_logarithm_of_transmission():
    low, high = slab(1.5, 0.9)
    planes = Attenuation(geometry="resize").planes(low, high, AIR, "zero")
    assert planes.shape == (PLANES, 40, 40)
    assert planes.dtype == np.float32
    assert planes[0] == pytest.approx(1.5, abs=1e-4)
    assert planes[1] == pytest.approx(0.9, abs=1e-4)
    assert (planes[2:] == 1).all()


def test_the_logarithm_comes_before_the_average():
    low = np.full((80, 80), 40_000, np.uint16)
    low[:, ::2] = 5_000
    planes = Attenuation(geometry="canvas", extent=80).planes(low, low, AIR, "zero")
    expected = (np.log(AIR / 40_000) + np.log(AIR / 5_000)) / 2
    assert planes[0] == pytest.approx(expected, rel=1e-5)


def test_attenuation_ignores_the_air_level_that_it_is_told_of():
    low, high = slab(1.0, 0.6)
    brighter = tuple((layer * 1.2).astype(np.uint16) for layer in (low, high))
    one = Attenuation().planes(low, high, AIR, "zero")
    other = Attenuation().planes(*brighter, AIR * 1.2, "zero")
    assert one == pytest.approx(other, abs=2e-4)


def test_starved_pixels_are_capped_not_infinite():
    low = np.array([[1, 1], [1, 60_000]], np.uint16)
    planes = Attenuation(geometry="resize", size=2).planes(low, low, AIR, "zero")
    assert planes[0].max() == Attenuation.ceiling


def test_background_air_finds_the_particle_that_background_zero_was_told():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:90, :90]
    disc = (y - 45) ** 2 + (x - 45) ** 2 < 30**2
    clean = np.where(disc, AIR * np.exp(-1.0), AIR)
    imaged = (clean * (1 + 0.026 * rng.standard_normal(disc.shape))).clip(1, 65_535).astype(np.uint16)
    masked = np.where(disc, imaged, 0).astype(np.uint16)
    given_air = Attenuation().planes(imaged, imaged, AIR, "air")
    given_zero = Attenuation().planes(masked, masked, AIR, "zero")
    assert given_air[2].sum() == pytest.approx(given_zero[2].sum(), rel=0.08)
    assert given_air[0].sum() == pytest.approx(given_zero[0].sum(), rel=0.03)


def test_standardized_images_have_mean_zero_and_deviation_one():
    rng = np.random.default_rng(0)
    counts = rng.integers(5_000, 50_000, (50, 70)).astype(np.uint16)
    representation = Standardized(geometry="resize")
    planes = torch.from_numpy(representation.planes(counts, counts // 2, AIR, "zero"))[None]
    low, high = Inputs(representation)(planes)
    for image in (low, high):
        assert image.shape == (1, 1, 40, 40)
        assert image.mean().item() == pytest.approx(0, abs=1e-5)
        assert image.std(correction=0).item() == pytest.approx(1, abs=1e-4)
    # the paper's loss of the ratio: half the counts look the same
    assert low == pytest.approx(high, abs=1e-3)


@pytest.mark.parametrize("kind", [Standardized, Attenuation])
def test_the_mask_is_a_second_channel_where_asked_for(kind: type[Representation]):
    plain, masked = kind(), kind(mask=True)
    planes = torch.from_numpy(plain.planes(*slab(1.0, 0.6), AIR, "zero"))[None]
    assert plain.channels == 1
    assert masked.channels == 2
    low, high = Inputs(masked)(planes)
    assert low.shape == high.shape == (1, 2, 40, 40)
    assert torch.equal(low[:, :1], Inputs(plain)(planes)[0])
    assert torch.equal(low[0, 1], planes[0, 2])


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="canvas, resize"):
        Attenuation(geometry="stretch")
    with pytest.raises(InputError, match="extent"):
        Attenuation(size=40, extent=20)
    with pytest.raises(InputError, match="Attenuation"):
        make({"_target_": "oresort.represent.representation.Nope"}, Representation)  # type: ignore[type-abstract]


def test_a_real_pair_has_the_known_attenuation(real_dir: Path):
    folder = real_dir / "pairs" / "ore_1200" / "38-x691-y0-w85-h72"
    planes = Attenuation().planes(*read_pair(folder / "low.tiff", folder / "high.tiff"), 52_350, "zero")
    thick = (planes[2] == 1) & (planes[3] == 1)
    # rock of 12-25 mm: peaks of l 1.2-2.0 and h 0.74-1.35, ratio falling from 1.75 to 1.44
    assert 1.2 < planes[0].max() < 2.0
    assert 0.7 < planes[1].max() < 1.35
    assert 1.35 < np.median(planes[0][thick] / planes[1][thick]) < 1.8


@pytest.mark.parametrize("kind", [Attenuation, Standardized])
@pytest.mark.parametrize("background", ["zero", "air"])
def test_a_batch_of_any_sizes_gives_each_pairs_own_planes(kind: type[Representation], background: str):
    rng = np.random.default_rng(0)
    shapes = [(30, 41), (1, 7), (90, 60), (25, 25)]
    pairs = [
        tuple(rng.integers(0, 60_000, (2, *shape)).astype(np.uint16) * (rng.random(shape) < 0.8)) for shape in shapes
    ]
    lows, highs = ([pair[k].astype(np.uint16) for pair in pairs] for k in (0, 1))
    representation = kind(size=24)
    found = representation.batch(lows, highs, AIR, background)
    assert found.shape == (4, PLANES, 24, 24)
    for planes, low, high in zip(found, lows, highs, strict=True):
        np.testing.assert_array_equal(planes, representation.planes(low, high, AIR, background))
        value, cover = representation.quantity(high, AIR), particle_mask(high, AIR, background)
        np.testing.assert_array_equal(planes[1], representation.geometry(value * cover))
        np.testing.assert_array_equal(planes[3], representation.geometry(cover.astype(np.float32)))


@pytest.mark.parametrize("geometry", ["canvas", "resize"])
def test_a_quantity_of_another_type_makes_the_same_planes(geometry: str):
    class Doubled(Attenuation):
        def quantity(self, counts: np.ndarray, air: float) -> np.ndarray:
            return super().quantity(counts, air).astype(np.float64)

    pair = slab(1.5, 1.0)
    expected = Attenuation(geometry=geometry).planes(*pair, AIR, "zero")
    np.testing.assert_array_equal(Doubled(geometry=geometry).planes(*pair, AIR, "zero"), expected)


def test_without_cover_its_planes_are_empty_and_the_values_the_same():
    low, high = slab(1.0, 0.6)
    whole, found = (Attenuation().batch([low], [high], AIR, "zero", cover) for cover in (True, False))
    np.testing.assert_array_equal(found[:, :2], whole[:, :2])
    assert whole[:, 2:].any()
    assert not found[:, 2:].any()
