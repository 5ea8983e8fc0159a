"""The search for a recipe: its settings compose, its parts do what they say, and lite keeps its budget."""

import math
from dataclasses import asdict

import pandas as pd
import pytest
import torch

from oresort.make import trust
from oresort.models.build import build_model
from oresort.models.fusions.data import Stack
from oresort.models.heads.mlp import Linear
from oresort.models.pairnet import PairNet
from studies.command import compose
from studies.recipe.fresh import REFERENCE, means
from studies.recipe.macs import macs
from studies.recipe.parts import Bootstrapped, Mixing, Pooled, Symmetric
from studies.recipe.settings import SETTINGS

CASES = [pytest.param(words, id=f"{group}-{name}") for group, ones in SETTINGS.items() for name, words in ones.items()]


def built(*words: str) -> PairNet:
    cfg = compose(*words)
    return build_model({**asdict(cfg.model), "channels": 2 if cfg.representation["mask"] else 1})


@pytest.mark.parametrize("words", CASES)
def test_every_setting_composes_and_builds(words: tuple[str, ...]):
    trust("studies.recipe.parts")
    assert built(*words)


def test_lite_keeps_its_budget_and_best_that_of_the_papers_model():
    lite, best, paper = (built(f"recipe={name}") for name in ("lite", "best", "default"))
    assert sum(p.numel() for p in lite.parameters()) <= 40_000  # float32, less than 200 kB with all around it
    assert macs(lite, 1, 56) <= 2.2e6
    assert macs(lite, 1, 56) < macs(best, 1, 56) < macs(paper, 1, 40)


def test_work_is_counted_by_hand():
    net = PairNet(lambda c: Pooled(4, [2], strided=1, kernel=3), Stack(), lambda width: Linear(width), channels=2)
    # a 3 x 3 convolution on 4 x 4 places, and the head
    assert macs(net, 2, 8) == 4 * 2 * 9 * 16 + 2 * 2


def particle(size: int, extent: int) -> torch.Tensor:
    """A 6 x 6 particle in a corner of an image (1, 4, extent, extent), the same for every extent."""
    image = torch.zeros(1, 4, extent, extent)
    values = torch.rand((2, size, size), generator=torch.Generator().manual_seed(0)) + 0.2
    image[0, 0, :size, :size], image[0, 2, :size, :size] = values
    image[0, 1, :size, :size] = image[0, 3, :size, :size] = 1.0
    return image


def test_pooled_over_the_particle_a_larger_canvas_changes_nothing():
    torch.manual_seed(0)
    tower = Pooled(4, [3], strided=0, kernel=1, statistics=["mean", "std", "max"], physics=True).eval()
    small, large = tower(particle(6, 8)), tower(particle(6, 24))  # (1, dim)
    assert small.shape == (1, 3 * 3 + 8)
    same = [i for i in range(small.shape[1]) if i != 9]  # the area is a share of the image
    torch.testing.assert_close(small[:, same], large[:, same], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(mean_over_the_image(tower, particle(6, 8)), mean_over_the_image(tower, particle(6, 24)))


def mean_over_the_image(tower: Pooled, image: torch.Tensor) -> torch.Tensor:
    return tower.stages[0](image).mean((2, 3))


def test_losses_for_wrong_labels_have_their_known_values():
    logits, label = torch.tensor([[0.0, math.log(3.0)]]), torch.tensor([1])  # p = 3/4
    assert float(Symmetric(0.5)(logits, label)) == pytest.approx(0.5 * math.log(4 / 3) + 0.5 * 4 * 0.25)
    wanted = -(0.8 + 0.2 * 0.75) * math.log(0.75) - 0.2 * 0.25 * math.log(0.25)
    assert float(Bootstrapped(0.8)(logits, label)) == pytest.approx(wanted)


def test_a_mixture_of_alike_pairs_is_the_pair():
    torch.manual_seed(0)
    net = PairNet(
        lambda c: Pooled(4, [3], strided=0, kernel=3), Stack(), lambda width: Linear(width), channels=2
    ).eval()
    image = particle(6, 8)[:, :2].repeat(4, 1, 1, 1)
    batch = {"low": image, "high": image, "label": torch.tensor([1, 1, 1, 1])}
    draw = torch.Generator().manual_seed(0)
    plain, _ = Mixing(net)(batch, draw)
    for words in ({"mixup": 0.4}, {"cutmix": 1.0}):
        mixed, _ = Mixing(net, **words)(batch, draw)
        assert mixed.item() == pytest.approx(plain.item(), rel=1e-5)


def test_a_difference_of_methods_is_over_datasets():
    rows = [
        {"labels": "lot", "seed": seed, "method": name, "auroc": 80.0 + seed + extra, "balanced_accuracy": 70.0}
        for seed in range(4)
        for name, extra in ((REFERENCE, 0.0), ("recipe=lite", 1.0 + (seed % 2) * 0.2))
    ]
    table = means(pd.DataFrame(rows)).set_index("method")
    assert table.loc["recipe=lite", "difference"] == pytest.approx(1.1)
    assert table.loc["recipe=lite", "difference_high"] - 1.1 == pytest.approx(3.182446 * 0.1154701 / 2, rel=1e-5)
    assert math.isnan(table.loc[REFERENCE, "difference"])
