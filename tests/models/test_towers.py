"""Our own towers: what a stage does to the image, and what they refuse."""

import pytest
import torch

from oresort.errors import InputError
from oresort.models.towers.lite import LiteTower


def sides(tower: LiteTower, size: int) -> list[int]:
    image, found = torch.zeros(1, 2, size, size), []
    for stage in tower.eval().stages:
        image = stage(image)
        found.append(image.shape[-1])
    return found


def test_strided_stages_halve_then_one_keeps_then_maxima_halve():
    assert sides(LiteTower(2), 56) == [28, 14, 14, 7]
    assert sides(LiteTower(2, [4, 4, 4], strided=0), 8) == [8, 4, 2]
    assert sides(LiteTower(2, [4, 4, 4], strided=3), 8) == [4, 2, 1]


@pytest.mark.parametrize("size", [1, 2, 7, 40, 57])
def test_an_image_of_any_size_goes_through(size: int):
    assert LiteTower(2).eval()(torch.zeros(3, 2, size, size)).shape == (3, 32)


def test_a_maximum_is_what_a_later_stage_sees():
    tower = LiteTower(1, [1, 1], strided=0, kernel=1).eval()
    with torch.no_grad():
        tower.stages[0][0].weight.fill_(1.0)  # both convolutions pass the image on
        tower.stages[1][1].weight.zero_()[0, 0, 1, 1] = 1.0
    image = torch.tensor([[[[0.0, 3.0], [1.0, 2.0]]]])
    assert tower(image).item() == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": []}, "widths="),
        ({"widths": [8, 0]}, "widths="),
        ({"strided": 5}, "strided=5: give a number of stages, 0 to 4"),
        ({"strided": True}, "strided=True"),
        ({"kernel": 4}, "kernel=4: give an odd number"),
        ({"kernel": 0}, "kernel=0"),
    ],
)
def test_settings_that_make_no_tower_are_refused(settings: dict[str, object], message: str):
    with pytest.raises(InputError, match=message):
        LiteTower(2, **settings)
