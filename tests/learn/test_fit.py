"""A training run as a user sees it: its folder, its numbers again, its end in the middle."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from kill import killed_in

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.fit import train
from oresort.learn.module import OreModule
from oresort.sorting import METRICS

Compose = Callable[..., TrainConfig]


def row_of(folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return row


def test_the_run_folder_is_complete(trained: Path):
    files = {p.relative_to(trained).as_posix() for p in trained.rglob("*") if p.is_file()}
    assert files == {
        "config.yaml",
        "provenance.json",
        "metrics.csv",
        "metrics.json",
        "predictions.csv",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
    }
    epochs = pd.read_csv(trained / "metrics.csv")
    assert epochs["epoch"].tolist() == [0, 1, 2]
    for split in ("train", "val"):
        assert epochs[[f"{split}/{name}" for name in (*METRICS, "loss")]].notna().all(axis=None)
    row = row_of(trained)
    assert row["status"] == "finished"
    assert row["epoch"] == epochs["val/auroc"].idxmax()
    assert row["config.model.head.basis.degree"] == 6


def test_evaluate_repeats_what_training_reported_exactly(trained: Path, dataset: Path):
    row = row_of(trained)
    stored = pd.read_csv(trained / "predictions.csv")
    for split in ("val", "test"):
        again = evaluate_checkpoint(trained / "checkpoints" / "best.ckpt", dataset, split)
        assert again.threshold == row["threshold"]
        assert again.metrics == {name: row[f"{split}/{name}"] for name in METRICS}
        part = stored[stored["split"] == split]
        assert part["id"].tolist() == again.predictions["id"].tolist()
        assert part["p_ore"].to_numpy() == pytest.approx(again.predictions["p_ore"].to_numpy(), abs=1e-7)


def test_validation_in_training_is_the_same_as_afterwards(trained: Path):
    epochs = pd.read_csv(trained / "metrics.csv").set_index("epoch")
    row = row_of(trained)
    for name in METRICS:
        assert epochs.loc[row["epoch"], f"val/{name}"] == pytest.approx(row[f"val/{name}"], abs=1e-6)


def test_a_checkpoint_loads_safely_with_no_arguments(trained: Path):
    file = trained / "checkpoints" / "best.ckpt"
    torch.load(file, weights_only=True)
    module = OreModule.load_from_checkpoint(file, weights_only=True).eval()
    batch = torch.randn(3, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(module(batch, batch / 2), load_trained(file).module(batch, batch / 2))


def test_the_same_seed_gives_the_same_run(trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path):
    again = train(compose_train(f"data.root={dataset}", "trainer.max_epochs=3"), tmp_path / "again")
    row = row_of(trained)
    assert all(again[f"test/{name}"] == row[f"test/{name}"] for name in METRICS)
    other = train(compose_train(f"data.root={dataset}", "trainer.max_epochs=3", "seed=1"), tmp_path / "other")
    assert other["test/brier"] != row["test/brier"]


def test_a_killed_run_goes_on_to_the_same_end(trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path):
    cfg = compose_train(f"data.root={dataset}", "trainer.max_epochs=3")
    killed_in(2, cfg, tmp_path)
    assert row_of(tmp_path)["status"] == "failed"
    resumed = train(cfg, tmp_path)
    row = row_of(trained)
    assert {name: resumed[f"test/{name}"] for name in METRICS} == {name: row[f"test/{name}"] for name in METRICS}
    epochs = [pd.read_csv(run / "metrics.csv") for run in (trained, tmp_path)]
    pd.testing.assert_frame_equal(*epochs)
    # the best epoch may be older than the kill: only the last weights tell that the end is the same
    last = [load_trained(run / "checkpoints" / "last.ckpt").module.state_dict() for run in (trained, tmp_path)]
    assert [key for key in last[0] if not torch.equal(last[0][key], last[1][key])] == []


def test_a_folder_of_another_configuration_is_not_continued(trained: Path, dataset: Path, compose_train: Compose):
    before = (trained / "metrics.json").read_bytes(), (trained / "config.yaml").read_bytes()
    for change in ("model/fusion=concat", "representation.geometry=canvas"):
        with pytest.raises(InputError, match="another configuration"):
            train(compose_train(f"data.root={dataset}", "trainer.max_epochs=3", change), trained)
    assert before == ((trained / "metrics.json").read_bytes(), (trained / "config.yaml").read_bytes())


def test_options_reach_the_training_step(
    dataset: Path, compose_train: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: dict[str, Any] = {}
    step = OreModule.training_step

    def watched(self: OreModule, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        def look(module: torch.nn.Module, images: Any, output: torch.Tensor) -> None:
            seen["dtype"] = output.dtype
            seen["last"] = images[0].is_contiguous(memory_format=torch.channels_last)

        convolution = next(m for m in self.net.modules() if isinstance(m, torch.nn.Conv2d))
        seen["channels"], seen["towers"] = convolution.in_channels, len(self.net.towers)
        handle = convolution.register_forward_hook(look)
        loss = step(self, batch)
        handle.remove()
        return loss

    monkeypatch.setattr(OreModule, "training_step", watched)
    plain = compose_train(f"data.root={dataset}")
    train(plain, tmp_path / "plain")
    assert seen == {"dtype": torch.float32, "last": True, "channels": 1, "towers": 2}
    words = (
        "trainer.precision=bf16-mixed",
        "representation.mask=true",
        "model.share=true",
        "channels_last=true",
    )
    train(compose_train(f"data.root={dataset}", *words), tmp_path / "other")
    assert seen == {"dtype": torch.bfloat16, "last": True, "channels": 2, "towers": 1}
    train(compose_train(f"data.root={dataset}", "representation.mask=true"), tmp_path / "mask")
    assert seen == {"dtype": torch.float32, "last": False, "channels": 2, "towers": 2}


def test_clipped_gradients_and_gathered_batches_train_otherwise(dataset: Path, compose_train: Compose, tmp_path: Path):
    for i, word in enumerate(("seed=0", "trainer.gradient_clip_val=1e-3", "trainer.accumulate_grad_batches=3")):
        words = (word, "data.batch_size=8", "optim=sgd", "trainer.max_epochs=1")
        train(compose_train(f"data.root={dataset}", *words), tmp_path / str(i))
    states = [load_trained(tmp_path / str(i) / "checkpoints" / "last.ckpt").module.state_dict() for i in range(3)]
    key = "objective.net.towers.0.stages.0.0.weight"
    assert not any(torch.equal(a[key], b[key]) for a, b in ((states[0], states[1]), (states[0], states[2])))


def test_workers_change_nothing(dataset: Path, compose_train: Compose, tmp_path: Path):
    rows = [
        train(compose_train(f"data.root={dataset}", f"data.workers={n}", "data.batch_size=8"), tmp_path / str(n))
        for n in (0, 2)
    ]
    assert rows[0]["test/brier"] == rows[1]["test/brier"]


def test_smoke_runs_the_whole_model(dataset: Path, compose_train: Compose, tmp_path: Path):
    row = train(
        compose_train(f"data.root={dataset}", "trainer=smoke", "representation.size=24", small=False),
        tmp_path,
    )
    assert row["params"] == 1_315_868


def test_divergence_is_told(dataset: Path, compose_train: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    forward = OreModule.forward
    monkeypatch.setattr(OreModule, "forward", lambda self, low, high: forward(self, low, high) * float("nan"))
    with pytest.raises(InputError, match="loss is nan"):
        train(compose_train(f"data.root={dataset}"), tmp_path)
    row = row_of(tmp_path)
    assert row["status"] == "failed"
    assert "loss is nan" in row["error"]


def test_broken_checkpoints_are_named(trained: Path, tmp_path: Path):
    whole = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    file = tmp_path / "broken.ckpt"

    def refused(words: str) -> None:
        with pytest.raises(InputError, match=words) as caught:
            load_trained(file)
        assert str(file) in str(caught.value)

    refused("no such checkpoint")
    file.write_bytes(b"not a checkpoint")
    refused("loads safely")
    file.write_bytes((trained / "checkpoints" / "best.ckpt").read_bytes()[:5000])
    refused("loads safely")
    torch.save({"state_dict": {}}, file)
    refused("another program")
    hparams = whole["hyper_parameters"]
    other = {
        **hparams,
        "model": {**hparams["model"], "tower": {**hparams["model"]["tower"], "widths": [2, 4, 4]}},
    }
    torch.save({**whole, "hyper_parameters": other}, file)
    refused("another model")
    torch.save({**whole, "hyper_parameters": {**hparams, "representation": {"_target_": "os.system"}}}, file)
    refused("os.system")


def test_batches_keep_the_contract(dataset: Path, compose_train: Compose):
    cfg = compose_train(f"data.root={dataset}")
    data = OreDataModule(str(dataset), cfg.representation, cfg.augment, batch_size=8)
    for batch in (next(iter(data.loader("val"))), next(iter(data.loader("train", epoch=0)))):
        assert set(batch) == {"low", "high", "label", "index"}
        assert batch["low"].shape == batch["high"].shape == (len(batch["label"]), 1, 16, 16)
        assert batch["low"].dtype == torch.float32
        assert batch["label"].dtype == batch["index"].dtype == torch.int64
        assert batch["label"].tolist() == data.frame["label"].iloc[batch["index"].numpy()].tolist()
    orders = [torch.cat([b["index"] for b in data.loader("train", epoch=e)]).tolist() for e in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == (data.frame["split"] == "train").to_numpy().nonzero()[0].tolist()
