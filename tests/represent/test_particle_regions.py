"""Where a particle's pixels lie, and which share of a map's relevance lies there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.represent.geometry import Canvas, Resize
from oresort.represent.regions import REGIONS, check_masks, regions, relevance_shares

INSIDE, RIM, OUTLINE, BELT = range(len(REGIONS))


def square(side: int = 20, around: int = 10) -> np.ndarray:
    mask = np.zeros((side + 2 * around,) * 2, bool)
    mask[around:-around, around:-around] = True
    return mask


def test_a_square_has_a_rim_of_three_pixels_and_an_outline_as_wide():
    found = regions(square(), square())
    assert (found == INSIDE).sum() == 14**2
    assert (found == RIM).sum() == 20**2 - 14**2
    assert (
        found[20, :].tolist()
        == [BELT] * 7 + [OUTLINE] * 3 + [RIM] * 3 + [INSIDE] * 14 + [RIM] * 3 + [OUTLINE] * 3 + [BELT] * 7
    )


def test_a_crop_ends_where_its_particle_does():
    found = regions(np.ones((12, 12), bool), np.ones((12, 12), bool))
    assert (found == INSIDE).sum() == 6**2


def test_of_layers_that_do_not_overlie_only_what_is_deep_in_both_is_inside():
    low = square()
    high = np.roll(low, 5, axis=1)
    found = regions(low, high)
    for mask in (low, high):
        assert not (found[~mask] == INSIDE).any()
        alone = regions(mask, mask)
        assert (alone[found == INSIDE] == INSIDE).all()
    assert (found[low ^ high] == RIM).all()


def test_masks_that_tell_no_inside_are_refused():
    with pytest.raises(InputError, match="no pixel of a particle in its high layer"):
        check_masks(square(), np.zeros_like(square()))
    with pytest.raises(InputError, match="low layer is particle up to every border"):
        check_masks(np.ones((9, 9), bool), square())
    check_masks(square(), square())


@given(st.integers(0, 2**32 - 1))
def test_shares_add_up_and_a_blind_map_has_those_of_the_area(seed: int):
    rng = np.random.default_rng(seed)
    where = rng.integers(0, 4, (15, 11)).astype(np.uint8)
    found = relevance_shares(rng.standard_normal((15, 11)).astype(np.float32), where)
    assert found.mass.sum() == pytest.approx(1)
    assert found.area.sum() == pytest.approx(1)
    blind = relevance_shares(np.ones((15, 11), np.float32), where)
    np.testing.assert_allclose(blind.mass, blind.area)
    np.testing.assert_allclose(blind.rank[blind.area > 0], blind.area[blind.area > 0])
    scaled = relevance_shares(7 * rng.permuted(np.ones((15, 11), np.float32)), where)
    np.testing.assert_allclose(scaled.rank, blind.rank)


def test_all_relevance_in_one_region_is_all_of_its_mass_and_rank():
    where = regions(square(), square())
    for region in range(len(REGIONS)):
        found = relevance_shares(np.where(where == region, 2.0, -5.0).astype(np.float32), where)
        assert found.mass[region] == 1
        assert found.rank[region] == 1
        assert found.mass.sum() == 1


def test_a_map_without_positive_relevance_has_no_shares():
    found = relevance_shares(np.full((40, 40), -1, np.float32), regions(square(), square()))
    assert np.isnan(found.mass).all()
    assert np.isnan(found.rank).all()
    assert found.area.sum() == 1


@pytest.mark.parametrize("geometry", [Resize(40), Canvas(40, 120)])
@pytest.mark.parametrize("shape", [(31, 77), (90, 42), (140, 100)])
def test_what_the_network_sees_lies_back_on_the_particle(geometry: Resize | Canvas, shape: tuple[int, int]):
    image = np.zeros(shape, np.float32)
    row, column = shape[0] // 3, 2 * shape[1] // 3
    image[row - 4 : row + 5, column - 4 : column + 5] = 1
    back = geometry.back(geometry(image), shape)
    frame = geometry.frame(image)
    assert back.shape == frame.shape
    centre = [np.average(np.arange(side), weights=back.sum(1 - axis)) for axis, side in enumerate(back.shape)]
    wanted = [np.average(np.arange(side), weights=frame.sum(1 - axis)) for axis, side in enumerate(frame.shape)]
    np.testing.assert_allclose(centre, wanted, atol=1.5)
