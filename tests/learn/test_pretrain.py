"""Pretraining: what is hidden and what it costs, that no label and no test pair is looked at, and starts from it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from kill import Killed
from pairs import write_manifest, write_released
from torch import Tensor, nn

from oresort import evaluate, report
from oresort import pretrain as verb
from oresort import train as train_verb
from oresort.console.compose import composed
from oresort.data.index import index_pairs, index_unlabelled
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.fit import train
from oresort.learn.pretext import MaskedBlocks
from oresort.learn.pretrain import PretrainConfig, Pretraining, pretrain
from oresort.learn.sweep import register_resolvers
from oresort.models.build import build_model
from oresort.models.pairnet import PairNet
from oresort.paths import choices

LITE = ("recipe=lite", "model.tower.widths=[4,4]", "representation.size=16", "trainer.enable_progress_bar=false")
TRAIN = ("model/tower=compact", "model/fusion=stack", "model/head=linear", *LITE[1:])


def config(*words: str) -> PretrainConfig:
    register_resolvers()
    return composed("pretrain", PretrainConfig, *LITE, "model/tower=compact", "trainer.max_epochs=2", *words)


def net(fusion: str = "data.Stack") -> PairNet:
    tower = {"_target_": "oresort.models.towers.compact.CompactTower", "widths": [4, 6]}
    head = {"_target_": "oresort.models.heads.mlp.Linear"}
    return build_model({"tower": tower, "fusion": {"_target_": f"oresort.models.fusions.{fusion}"}, "head": head})


class Constant(nn.Module):
    """A decoder that answers the same everywhere."""

    def __init__(self, value: float, channels: int) -> None:
        super().__init__()
        self.value, self.channels = value, channels

    def forward(self, maps: Tensor) -> Tensor:
        return torch.full((len(maps), self.channels, *maps.shape[2:]), self.value)


def test_the_same_share_of_whole_blocks_is_hidden_in_each_image():
    pretext = MaskedBlocks(net(), 1, 14, block=4, share=0.25)  # 4 x 4 blocks, the last ones cut
    hidden = pretext.hidden(50, torch.Generator().manual_seed(0))
    assert hidden.shape == (50, 1, 14, 14)
    blocks = nn.functional.pad(hidden.float(), (0, 2, 0, 2), mode="replicate").view(50, 4, 4, 4, 4)
    assert set(blocks.mean((2, 4)).flatten().tolist()) == {0.0, 1.0}
    assert blocks.mean((2, 4)).sum((1, 2)).tolist() == [4.0] * 50
    assert not torch.equal(hidden[0], hidden[1])


@pytest.mark.parametrize("fusion", ["data.Stack", "hybrid.Hybrid", "feature.Concat"])
def test_the_loss_is_the_share_of_the_variance_that_is_missed(fusion: str):
    model, draw = net(fusion), torch.Generator().manual_seed(0)
    pretext = MaskedBlocks(model, 1, 16)
    low, high = torch.rand(2, 64, 1, 16, 16)
    count = len(pretext.decoders)
    for value, expected in ((0.5, 1.0), (0.0, 1.0 + 0.25 * 12)):  # of numbers even in 0..1 the variance is 1/12
        pretext.decoders = nn.ModuleList(Constant(value / count, 2 * step**2) for step in pretext.steps)
        assert float(pretext(model, low, high, draw)) == pytest.approx(expected, rel=0.03)


def test_what_is_hidden_does_not_reach_the_model():
    model = net().eval()
    pretext = MaskedBlocks(model, 1, 16)
    low, high = torch.rand(2, 4, 1, 16, 16)
    hidden = pretext.hidden(4, torch.Generator().manual_seed(3))
    seen: list[Tensor] = []
    model.towers[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model.towers[0].stages[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    pretext(model, low, high, torch.Generator().manual_seed(3))
    assert bool((seen[0][hidden.expand_as(seen[0])] == 0).all())
    assert torch.equal(seen[0][:, :1][~hidden], low[~hidden])


@pytest.mark.parametrize("bad", [{"share": 0.0}, {"share": 1.0}, {"block": 0}])
def test_impossible_pretexts_are_refused(bad: dict[str, Any]):
    with pytest.raises(InputError, match="pretext"):
        MaskedBlocks(net(), 1, 16, **bad)
    with pytest.raises(InputError, match="fusion of both"):
        MaskedBlocks(net("data.Low"), 1, 16)


def last(folder: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return state


@pytest.fixture(scope="module")
def pretrained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained") / "run"
    pretrain(config(f"data.root={dataset}", "trainer.max_epochs=4", "optim.lr=1e-2", "data.batch_size=8"), folder)
    return folder


def test_the_loss_falls_and_only_the_loss_is_told(pretrained: Path):
    epochs = pd.read_csv(pretrained / "metrics.csv")
    assert set(epochs) == {"epoch", "train/loss", "val/loss", "lr"}
    assert epochs["train/loss"].iloc[-1] < 0.8 * epochs["train/loss"].iloc[0]
    row = json.loads((pretrained / "metrics.json").read_text())
    assert row["status"] == "finished"
    assert row["monitor_value"] == pytest.approx(epochs["val/loss"].min())
    assert not [key for key in row if key.startswith(("test/", "val/")) or "threshold" in key.partition("config.")[0]]
    assert not (pretrained / "predictions.csv").exists()


def test_no_label_is_looked_at(dataset: Path, tmp_path: Path):
    other = write_manifest(write_released(tmp_path / "set"))
    frame = pd.read_csv(other / "manifest.csv", dtype=str)
    frame["split"] = np.where(
        frame["scan"].astype(int) % 4 < 2, "train", np.where(frame["scan"].astype(int) % 4 < 3, "val", "test")
    )
    frame.to_csv(other / "manifest.csv", index=False)
    words = (f"data.root={other}", "data.batch_size=8")
    first = pretrain(config(*words), tmp_path / "first")
    frame["label"] = np.where(frame["label"] == "ore", "waste", "ore")
    frame.to_csv(other / "manifest.csv", index=False)
    second = pretrain(config(*words), tmp_path / "second")
    assert first["monitor_value"] == second["monitor_value"]
    states = [
        torch.load(tmp_path / f / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for f in ("first", "second")
    ]
    assert [key for key in states[0] if not torch.equal(states[0][key], states[1][key])] == []
    frame["label"] = "waste"  # as who has no labels may fill the column
    frame.to_csv(other / "manifest.csv", index=False)
    assert pretrain(config(*words), tmp_path / "third")["monitor_value"] == first["monitor_value"]


def test_pairs_without_a_label_join_and_the_test_is_never_seen(tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "set"))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    bare = frame["scan"].astype(int).isin([3, 7]) | (frame.index % 5 == 0)
    frame[~bare].to_csv(root / "manifest.csv", index=False)
    frame[bare].assign(label="").to_csv(root / "unlabelled.csv", index=False)
    labelled = index_unlabelled(PairsConfig(root=str(root)))
    assert set(labelled["id"]) == set(frame["id"])
    assert set(labelled["label"]) == {-1}
    assert labelled.groupby("scan")["split"].nunique().max() == 1
    assert set(labelled.loc[labelled["scan"].isin(["3", "7"]), "split"]) == {"train"}
    sides = index_pairs(PairsConfig(root=str(root))).set_index("id")["split"]
    assert labelled.set_index("id").loc[sides.index, "split"].equals(sides)  # the split of a training with labels
    frame.iloc[:0].to_csv(root / "manifest.csv", index=False)  # prepare's, where no assay is known
    frame.assign(label="").to_csv(root / "unlabelled.csv", index=False)
    alone = index_unlabelled(PairsConfig(root=str(root)))
    assert len(alone) == len(frame)
    assert set(alone["split"]) == {"train", "val", "test"}
    frame.to_csv(root / "unlabelled.csv", index=False)
    with pytest.raises(InputError, match=r"unlabelled.csv: id .* has label 'ore'"):
        index_unlabelled(PairsConfig(root=str(root)))


def test_a_training_takes_the_towers_and_nothing_that_no_label_has_trained(
    pretrained: Path, dataset: Path, compose_train: Callable[..., Any], tmp_path: Path, capsys: Any
):
    cfg = compose_train(f"data.root={dataset}", *TRAIN, f"weights={pretrained}", "freeze=[towers]", small=False)
    cfg.trainer["max_epochs"] = 1
    row = train(cfg, tmp_path / "run")
    assert row["taken"] == "towers"
    assert "heads anew (no label has trained it there)" in capsys.readouterr().err
    there = torch.load(pretrained / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    here = load_trained(tmp_path / "run").module.state_dict()
    keys = [key for key in here if ".towers." in key]
    assert [key for key in keys if not torch.equal(there[key], here[key])] == []


def test_a_pretrained_model_decides_nothing(pretrained: Path, dataset: Path, command: Any, trained: Path):
    code, _, err = command(evaluate, f"ckpt={pretrained}", f"data.root={dataset}")
    assert code == 1
    assert re.search(r"error: .*best.ckpt: of oresort.pretrain, so it has seen no label; train from it", err)
    code, _, err = command(report, f"runs={pretrained.parent}")
    assert code == 1
    assert "no runs" in err
    code, _, err = command(train_verb, f"resume={pretrained}")
    assert (code, "a run of oresort.pretrain; go on by python -m oresort.pretrain" in err) == (1, True)
    code, _, err = command(verb, f"resume={trained}")
    assert (code, "a run of oresort.train; go on by python -m oresort.train" in err) == (1, True)


def test_a_killed_pretraining_goes_on_to_the_same_end(dataset: Path, tmp_path: Path, command: Any):
    words = (f"data.root={dataset}", "data.batch_size=8", "trainer.max_epochs=3")
    whole = pretrain(config(*words), tmp_path / "whole")
    step = Pretraining.training_step

    def dies(self: Pretraining, batch: dict[str, Tensor]) -> Tensor:
        if self.current_epoch == 2:
            raise Killed
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pretraining, "training_step", dies)
        with pytest.raises(Killed):
            pretrain(config(*words), tmp_path / "killed")
    code, out, err = command(verb, f"resume={tmp_path / 'killed'}")
    assert code == 0, err
    assert f"weights={tmp_path / 'killed'}" in out
    row = json.loads((tmp_path / "killed" / "metrics.json").read_text())
    assert row["monitor_value"] == whole["monitor_value"]
    states = [
        torch.load(tmp_path / f / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for f in ("whole", "killed")
    ]
    assert [key for key in states[0] if not torch.equal(states[0][key], states[1][key])] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["threshold=0.5"], "threshold=0.5: has no effect without labels; leave it out"),
        (["objective.auxiliary=0.5"], "has no effect without labels"),
        (["objective/loss=focal"], "has no effect without labels"),
        (["pretext.share=2"], "pretext.share=2"),
        (["pretext.nonsense=2"], "accepted: block, share"),
        (["pretext._target_=os.system"], "no such pretext; known: oresort.learn.pretext.MaskedBlocks"),
        (["trainer.devices=2"], "on one device"),
        (["model/fusion=low"], "fusion of both"),
        (["data.root="], "data.root: empty"),
        (["data.labelled=5"], "data.labelled: says nothing of pairs without labels"),
    ],
)
def test_bad_words_are_one_line(command: Any, dataset: Path, tmp_path: Path, words: list[str], said: str):
    code, _, err = command(verb, f"data.root={dataset}", f"out={tmp_path / 'run'}", *LITE, *words)
    assert (code, err.count("error: "), said in err) == (1, 1, True), err


def test_the_average_of_weights_and_every_recipe_pretrain(dataset: Path, tmp_path: Path):
    words = ("callbacks=ema", "callbacks.ema.decay=0.5", "data.batch_size=8", "trainer.max_epochs=12", "optim.lr=1e-2")
    row = pretrain(config(f"data.root={dataset}", *words), tmp_path)
    assert row["status"] == "finished"
    # its statistics are of images with hidden blocks, as validation shows them
    last_epoch = pd.read_csv(tmp_path / "metrics.csv").iloc[-1]
    assert last_epoch["val/loss"] == pytest.approx(last_epoch["train/loss"], rel=0.3)
    for recipe in choices("recipe"):
        cfg = composed("pretrain", PretrainConfig, f"recipe={recipe}")
        assert (cfg.monitor, cfg.recipe.name) == ("loss", recipe) or cfg.monitor != "loss"
