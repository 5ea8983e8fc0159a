"""Parts that do not fit: one line that names the key, before any pair is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from oresort import train
from oresort.errors import InputError
from oresort.models.fits import check_fit
from oresort.models.fusions.fusion import Fusion
from oresort.models.heads.head import Head
from oresort.models.heads.mlp import Linear
from oresort.models.pairnet import PairNet
from oresort.models.towers.compact import CompactTower
from oresort.models.towers.tower import Tower


class Own(Tower):
    def __init__(self, channels: int, widths: Sequence[int], kernel: int = 3) -> None:
        layers = nn.Conv2d(channels, 4, kernel, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        super().__init__(layers, widths)


class Flat(Own):
    def pool(self, maps: Tensor) -> Tensor:
        return maps.flatten(1)


class Three(Head):
    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.layer = nn.Linear(in_features, 3)

    def forward(self, vector: Tensor) -> Tensor:
        return self.layer(vector)


class Narrow(Head):
    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.layer = nn.Linear(in_features - 1, 2)

    def forward(self, vector: Tensor) -> Tensor:
        return self.layer(vector)


class OverBatch(Fusion):
    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        return (torch.cat(vectors, 1) - torch.cat(vectors, 1).mean(0),)


class Logarithm(Fusion):
    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        return low.log() - high.log(), high


class Unlike(Fusion):
    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        return (vectors[0] + torch.cat(vectors, 1),)


class Wide(Fusion):
    def build(self, dims: Sequence[Sequence[int]]) -> None:
        self.weight = nn.Parameter(torch.zeros(dims[9][0]))


class Halves(Fusion):
    def exchange(self, stage: int, *maps: Tensor) -> tuple[Tensor, ...]:
        half = [m.reshape(len(m), m.shape[1], -1, 2, m.shape[3]) for m in maps]  # of an even height alone
        return tuple(h.flatten(2, 3) for h in half)


def net(tower: Any = CompactTower, fusion: Fusion | None = None, head: Any = Linear, **settings: Any) -> PairNet:
    return PairNet(lambda channels: tower(channels, **settings), fusion or Fusion(), lambda width: head(width))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"tower": Own, "widths": (4, 6)},
            r"model.tower: Own, stage 2 of 2, widths=\[4, 6\]: must make \(2, 6, H",
        ),
        ({"tower": Own, "widths": (8, 8)}, r"model.tower: Own, stage 1 of 2, .* got \(2, 4, 15, 15\)"),
        ({"tower": Own, "widths": (8,)}, "model.tower: Own has 2 stages and 1 widths"),
        ({"tower": Flat, "widths": (4, 8)}, r"model.tower: Flat.pool: must make \(2, 8\) of 2 pairs; got \(2, 1800\)"),
        (
            {"tower": Own, "widths": (4, 8), "kernel": 40},
            r"model: its parts .* of 1 x 15 x 15 \(RuntimeError in ",
        ),
        ({"head": Three}, r"model.head: Three: must make \(2, 2\) of 2 pairs; got \(2, 3\)"),
        ({"head": Narrow}, r"model: its parts do not fit .* \(RuntimeError in test_fits.py, line \d+: .*mat1 and"),
        (
            {"fusion": Unlike()},
            r"model.fusion: Unlike cannot join .* \(RuntimeError in test_fits.py, line \d+: .*The size",
        ),
        ({"fusion": Wide()}, r"model.fusion: Wide cannot be built for towers of widths=.*IndexError in test_fits"),
        ({"fusion": Halves()}, r"model: its parts .* of 1 x 15 x 15 \(RuntimeError in test_fits"),
        ({"fusion": OverBatch()}, "model: what it says of a pair depends on the other pairs of its batch"),
        ({"fusion": Logarithm()}, "model: makes no numbers of images"),
    ],
)
def test_parts_that_do_not_fit_are_told_in_one_line(parts: dict[str, Any], says: str):
    with pytest.raises(InputError, match=says) as found:
        check_fit(net(**parts), channels=1, size=15)
    assert "\n" not in str(found.value)


def test_parts_that_fit_are_left_as_they_were():
    model = net(Own, widths=(4, 8)).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    check_fit(model, channels=1, size=15)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_run_names_the_key_before_any_pair_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: Path, command: Any
):
    (tmp_path / "my_towers.py").write_text(
        "from torch import nn\nfrom oresort.models.towers.tower import Tower\n\n\n"
        "class Mine(Tower):\n    def __init__(self, channels, widths=(8, 16)):\n"
        "        super().__init__([nn.Conv2d(channels, 8, 3), nn.Conv2d(8, 12, 3)], widths)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own = ("~model.tower.widths", "~model.tower.squeeze")
    words = (f"data.cache={tmp_path / 'cache'}", "model/fusion=stack", "model/head=linear")
    code, _, err = command(train, f"data.root={dataset}", f"out={tmp_path / 'run'}", *words,
                           "model.tower={_target_: my_towers.Mine}", *own)  # fmt: skip
    assert code == 1
    assert "error: model.tower: Mine, stage 2 of 2, widths=[8, 16]: must make (2, 16, H, W)" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "run").exists()
