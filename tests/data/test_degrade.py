"""Pairs as another sorter would have taken them: by the right amount, inside the particle alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from oresort.data.augment import Augmentation
from oresort.data.degrade import bend, roughen
from oresort.represent.representation import Attenuation, Representation, Standardized
from oresort.xray.transmission import NOMINAL_AIR

SIDE = 40
KINDS = [Attenuation(), Standardized()]


def planes_of(count: int, representation: Representation, low: float = 1.2, high: float = 0.8) -> Tensor:
    """Squares of even attenuation, with a rim of half cover."""
    cover = torch.zeros(count, 2, SIDE, SIDE)
    cover[..., 7:33, 7:33], cover[..., 8:32, 8:32] = 0.5, 1.0
    own = torch.tensor([low, high])[None, :, None, None]
    value = NOMINAL_AIR * torch.exp(-own) if representation.unit == "counts" else own
    return torch.cat((value * cover, cover), dim=1)


def own(planes: Tensor, representation: Representation) -> Tensor:
    """Attenuation (B, 2, 24, 24) of the whole pixels."""
    value = planes[:, :2, 8:32, 8:32]
    return torch.log(NOMINAL_AIR / value) if representation.unit == "counts" else value


def column(*values: float) -> Tensor:
    return torch.tensor(values)[None, :, None, None]


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_an_attenuation_grows_as_that_of_quanta(kind: Representation):
    planes = planes_of(200, kind)
    white = torch.randn(200, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found = own(roughen(planes, column(0.02), white, kind), kind)
    for layer, attenuation in enumerate((1.2, 0.8)):
        assert found[:, layer].mean().item() == pytest.approx(attenuation, abs=1e-3)
        assert found[:, layer].std().item() == pytest.approx(0.02 * np.exp(attenuation / 2), rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bent_curve_has_the_values_that_it_is_said_to_have(kind: Representation):
    planes = planes_of(1, kind)
    found = own(bend(planes, column(0.05, -0.02), column(0.0, 0.1), kind), kind)
    assert found[0, 0].numpy() == pytest.approx(1.2 * 1.05, abs=1e-4)
    assert found[0, 1].numpy() == pytest.approx(0.8 * (0.98 + 0.1 * 0.8), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", [{"noise": 0.03}, {"curve": 0.1}])
def test_cover_and_belt_stay_and_each_pair_has_a_draw_of_its_own(kind: Representation, changes: dict[str, float]):
    planes = planes_of(8, kind)
    augmentation = Augmentation(**changes)
    draws = [augmentation(planes, kind, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    draws += [augmentation.on_device(planes, kind, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    for one, again, other in (draws[:3], draws[3:]):
        assert torch.equal(one, again)
        assert not torch.equal(one, other)
        assert torch.equal(one[:, 2:], planes[:, 2:])
        assert (one[:, :2][planes[:, 2:] == 0] == 0).all()
        assert len({float(pair[:, 20, 20].sum()) for pair in one}) == 8
        assert torch.isfinite(one).all()
        if "noise" not in changes:
            continue
        white = own(one, kind) - own(planes, kind)
        assert abs(np.corrcoef(white[:, 0].ravel(), white[:, 1].ravel())[0, 1]) < 0.05  # the layers' noise is its own


@pytest.mark.parametrize("kind", KINDS)
def test_host_and_device_draw_from_the_same_ranges(kind: Representation):
    planes = planes_of(400, kind)
    augmentation = Augmentation(curve=0.1)
    host = own(augmentation(planes, kind, np.random.default_rng(0)), kind)[:, 1, 5, 5] / 0.8
    device = own(augmentation.on_device(planes, kind, torch.Generator().manual_seed(0)), kind)[:, 1, 5, 5] / 0.8
    for ratio in (host, device):
        assert ratio.mean().item() == pytest.approx(1, abs=0.02)
        assert 0.06 < ratio.std().item() < 0.09  # of u + 0.8 u', both even within 0.1
        assert ratio.min().item() >= 0.82 - 1e-4
        assert ratio.max().item() <= 1.18 + 1e-4
