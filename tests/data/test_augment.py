import numpy as np
import pytest
import torch
from torch import Tensor

from oresort.data.augment import Augmentation
from oresort.errors import InputError
from oresort.make import make
from oresort.models.inputs import Inputs
from oresort.represent.representation import Attenuation, Standardized

AIR = 52_350.0


def planes_of(count: int, representation: Attenuation | Standardized) -> Tensor:
    """Discs with one dark corner, so that every flip shows; low and high differ."""
    y, x = np.mgrid[:60, :60]
    disc = (y - 30) ** 2 + (x - 30) ** 2 < 28**2
    layers = [np.where(disc, AIR * np.exp(-a), 0).astype(np.uint16) for a in (1.2, 0.8)]
    for layer in layers:
        layer[15:25, 20:30] //= 2
    planes = representation.planes(layers[0], layers[1], AIR, "zero")
    return torch.from_numpy(np.stack([planes] * count))


@pytest.fixture(scope="module")
def planes() -> Tensor:
    return planes_of(64, Attenuation())


def test_one_geometric_draw_moves_all_planes(planes: Tensor):
    out = Augmentation(flip=0.5, transpose=0.5)(planes, Attenuation(), np.random.default_rng(0)).numpy()
    original = planes[0].numpy()
    moves = {
        (flip_y, flip_x, swap): np.stack(
            [(p.T if swap else p)[:: -1 if flip_y else 1, :: -1 if flip_x else 1] for p in original]
        )
        for flip_y in (0, 1)
        for flip_x in (0, 1)
        for swap in (0, 1)
    }
    seen = set()
    for pair in out:
        matching = [name for name, moved in moves.items() if np.array_equal(moved, pair)]
        assert len(matching) == 1  # the same move in all four planes, values untouched
        seen.add(matching[0])
    assert len(seen) == 8


def test_the_generator_alone_decides(planes: Tensor):
    augmentation = Augmentation(flip=0.5, intensity=0.5, gain=(0.8, 1.2))
    one, two, other = (augmentation(planes, Attenuation(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", [Attenuation, Standardized])
@pytest.mark.parametrize(
    "changes",
    [
        {"flip": 1.0},
        {"transpose": 1.0},
        {"flip": 1.0, "transpose": 1.0, "intensity": 1.0, "gain": (0.9, 0.9), "offset": (20, 20)},
        {"intensity": 1.0, "offset": (-7, -7), "saturate": True},
    ],
)
def test_host_and_device_do_the_same_where_nothing_is_left_to_chance(kind, changes):
    representation, augmentation = kind(), Augmentation(**changes)
    planes = planes_of(4, representation)
    host = augmentation(planes, representation, np.random.default_rng(0))
    device = augmentation.on_device(planes, representation, torch.Generator())
    assert torch.equal(host, device)
    assert not torch.equal(host, planes)


def test_none_changes_nothing(planes: Tensor):
    out = Augmentation()(planes, Attenuation(), np.random.default_rng(0))
    assert torch.equal(out, planes)


def test_a_gain_shifts_attenuation_inside_the_particle_only(planes: Tensor):
    out = Augmentation(intensity=1.0, gain=(0.9, 0.9))(planes, Attenuation(), np.random.default_rng(0))
    inside, outside = planes[0, 2] == 1, planes[0, 2] == 0
    assert (out[0, 0] - planes[0, 0])[inside] == pytest.approx(-np.log(0.9), abs=1e-4)
    assert (out[0, 1] - planes[0, 1])[inside] == pytest.approx(-np.log(0.9), abs=1e-4)
    assert (out[0, :2, outside] == 0).all()


def test_balance_is_drawn_for_each_layer(planes: Tensor):
    out = Augmentation(intensity=1.0, balance=(0.9, 1.1))(planes, Attenuation(), np.random.default_rng(0))
    shift = (out - planes).numpy()[:, :2, 20, 20]
    assert not np.allclose(shift[:, 0], shift[:, 1], atol=1e-3)


def test_the_papers_augmentation_vanishes_in_standardisation():
    representation = Standardized(geometry="resize")
    planes = planes_of(8, representation)
    augmentation = Augmentation(intensity=1.0, gain=(0.8, 1.2), offset=(-20, 20))
    low, _ = Inputs(representation)(augmentation(planes, representation, np.random.default_rng(0)))
    plain, _ = Inputs(representation)(planes)
    # affine but for the clamp of a zero background that moved below zero
    assert low.numpy() == pytest.approx(plain.numpy(), abs=5e-3)


def test_the_released_saturation_leaves_a_silhouette():
    representation = Standardized(geometry="resize")
    planes = planes_of(8, representation)
    augmentation = Augmentation(intensity=1.0, gain=(0.8, 1.2), offset=(-20, 20), saturate=True)
    low, high = Inputs(representation)(augmentation(planes, representation, np.random.default_rng(0)))
    cover = planes[:, 2]
    expected = (cover - cover.mean((1, 2), keepdim=True)) / cover.std((1, 2), correction=0, keepdim=True)
    assert low[:, 0].numpy() == pytest.approx(expected.numpy(), abs=1e-4)
    assert torch.equal(low, high)  # nothing of either energy is left


def test_the_share_of_changed_pairs(planes: Tensor):
    big = torch.cat([planes] * 8)
    out = Augmentation(intensity=0.5, gain=(0.8, 0.8))(big, Attenuation(), np.random.default_rng(0))
    changed = (out != big).flatten(1).any(dim=1)
    assert changed.float().mean() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    "settings", [{"flip": 1.5}, {"intensity": -0.1}, {"gain": [1.2, 0.8]}, {"gain": [0, 1]}, {"offset": [1]}]
)
def test_impossible_settings_are_refused(settings: dict[str, object]):
    with pytest.raises(InputError, match=rf"augment\.{next(iter(settings))}"):
        Augmentation(**settings)


@pytest.mark.parametrize("settings", [{"noise": -0.1}, {"curve": 0.6}, {"noise": True}])
def test_what_a_configuration_asks_of_noise_and_curve_has_a_range(settings: dict[str, object]):
    with pytest.raises(InputError, match=f"{next(iter(settings))}="):
        make({"_target_": "oresort.data.augment.Augmentation", **settings}, Augmentation)
