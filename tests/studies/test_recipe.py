"""The search for a recipe: its settings compose, its parts do what they say, and lite keeps its budget."""

import math
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from oresort.errors import InputError
from oresort.learn.objective import Objective
from oresort.make import trust
from oresort.models.build import build_model
from oresort.models.fusions.data import Stack
from oresort.models.heads.mlp import Linear
from oresort.models.pairnet import PairNet
from oresort.models.towers.lite import LiteTower
from studies.command import compose
from studies.recipe import teach
from studies.recipe.fresh import REFERENCE, means
from studies.recipe.macs import macs
from studies.recipe.parts import Bootstrapped, Mixing, Pooled, Symmetric
from studies.recipe.settings import SETTINGS
from studies.recipe.starts import Identity, Whitened, convolutions
from studies.recipe.teach import Distilled

CASES = [pytest.param(words, id=f"{group}-{name}") for group, ones in SETTINGS.items() for name, words in ones.items()]


def built(*words: str) -> PairNet:
    cfg = compose(*words)
    return build_model({**asdict(cfg.model), "channels": 2 if cfg.representation["mask"] else 1})


@pytest.mark.parametrize("words", CASES)
def test_every_setting_composes_and_builds(words: tuple[str, ...]):
    for module in ("parts", "starts", "teach"):
        trust(f"studies.recipe.{module}")
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


def test_a_whitening_layer_answers_with_unit_variance_and_stays():
    torch.manual_seed(0)
    mix = torch.randn(2, 2, generator=torch.Generator().manual_seed(1))
    images = torch.einsum("ij,bjhw->bihw", mix, torch.randn(16, 2, 24, 24)).cumsum(3) / 5
    tower = Whitened(2, [6, 8], strided=0, kernel=3)
    tower.train()(images)
    first = convolutions(tower)[0]
    inner = torch.nn.functional.conv2d(images, first.weight)  # (B, 6, 22, 22)
    flat = inner.transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.cov(flat)[:3, :3], torch.eye(3), rtol=0.02, atol=0.02)
    torch.testing.assert_close(flat[3:], -flat[:3])
    kept = first.weight.clone()
    tower(images * 3)
    assert torch.equal(first.weight, kept)
    assert not first.weight.requires_grad


def test_an_identity_start_passes_the_image_on():
    tower = Identity(2, [4, 4], strided=0, kernel=3).eval()
    image = torch.rand(1, 2, 8, 8)
    torch.testing.assert_close(tower.stages[0](image)[:, :2], image, rtol=1e-4, atol=1e-4)
    norms = [layer for layer in tower.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert len(norms) == 2
    assert not any(norm.weight.requires_grad for norm in norms)


def test_a_network_that_says_what_its_teacher_says_learns_nothing_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    torch.manual_seed(0)
    teacher, other = (
        PairNet(lambda c: LiteTower(c, [3], strided=0), Stack(), lambda width: Linear(width), channels=1).eval()
        for _ in range(2)
    )
    file = tmp_path / "0" / "checkpoints" / "last.ckpt"
    file.parent.mkdir(parents=True)
    file.touch()
    loaded = SimpleNamespace(module=SimpleNamespace(net=deepcopy(teacher)))
    monkeypatch.setattr(teach, "load_trained", lambda _: loaded)
    batch = {"low": torch.rand(4, 1, 8, 8), "high": torch.rand(4, 1, 8, 8), "label": torch.tensor([0, 1, 1, 0])}
    draw, steepest = torch.Generator(), []
    for student in (deepcopy(teacher), deepcopy(other)):
        Distilled(student, teachers=str(tmp_path), share=1.0)(batch, draw)[0].backward()
        steepest.append(max(float(p.grad.abs().max()) for p in student.parameters() if p.grad is not None))
    assert steepest[0] < 1e-6 < 1e-4 < steepest[1]
    labels = Distilled(other, teachers=str(tmp_path), share=0.0)(batch, draw)[0]
    assert labels.item() == pytest.approx(Objective(other)(batch, draw)[0].item())
    with pytest.raises(InputError, match="give a folder of runs"):
        Distilled(other, teachers=str(tmp_path / "none"))


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
    two = means(pd.DataFrame(rows).query("seed < 2")).set_index("method").loc["recipe=lite"]
    assert two["difference"] == pytest.approx(1.1)
    assert math.isnan(two["difference_low"])
