"""Callbacks: every file of conf/ trains; what each does to a run, and that none confuses its best and last."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from kill import killed_in
from torch import nn

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.average import EMA, rising
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.fit import train
from oresort.make import trust
from oresort.paths import choices

Compose = Callable[..., TrainConfig]
SHORT = ("data.batch_size=8", "optim.lr=1e-2")
KAN = "model/head=kan2"  # whose input norm has statistics too


def epochs_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metrics.csv").set_index("epoch")


def test_all_callbacks_at_once_leave_the_best_epoch_the_best(dataset: Path, compose_train: Compose, tmp_path: Path):
    names = choices("callbacks")
    words = (f"callbacks=[{','.join(names)}]", "callbacks.every_epochs.every_n_epochs=2", "monitor=brier")
    cfg = compose_train(f"data.root={dataset}", *words, *SHORT, "trainer.max_epochs=4")
    assert list(cfg.callbacks) == names
    row = train(cfg, tmp_path)
    files = {file.name for file in (tmp_path / "checkpoints").iterdir()}
    assert files == {"best.ckpt", "last.ckpt", "0001.ckpt", "0003.ckpt"}
    brier = epochs_of(tmp_path)["val/brier"]
    assert row["epoch"] == brier.idxmin()
    assert row["monitor_value"] == pytest.approx(brier.min())
    assert row["val/brier"] == pytest.approx(brier.min(), abs=1e-6)


@pytest.mark.parametrize("name", choices("callbacks"))
def test_a_callback_trains(name: str, dataset: Path, compose_train: Compose, tmp_path: Path):
    row = train(compose_train(f"data.root={dataset}", f"callbacks={name}"), tmp_path)
    assert row["status"] == "finished"


def test_early_stopping_stops(dataset: Path, compose_train: Compose, tmp_path: Path):
    words = ("callbacks=early_stopping", "callbacks.early_stopping.patience=2", "optim.lr=1e-12")
    row = train(compose_train(f"data.root={dataset}", *words, "trainer.max_epochs=20"), tmp_path)
    assert row["epochs"] == 3
    assert row["epoch"] == 0


def test_a_rising_average_forgets_its_start():
    assert [rising(0.5, torch.tensor(n)).item() for n in (0, 1, 100)] == [0.0, pytest.approx(2 / 11), 0.5]
    for bad in ({"decay": 1.0}, {"decay": -0.1}, {"batches": 0}):
        with pytest.raises(InputError, match="EMA"):
            EMA(**bad)  # type: ignore[arg-type]


def test_validation_checkpoints_and_a_resumed_run_see_the_average(
    dataset: Path, compose_train: Compose, tmp_path: Path
):
    cfg = compose_train(f"data.root={dataset}", "callbacks=ema", KAN, *SHORT, "trainer.max_epochs=3")
    plain = compose_train(f"data.root={dataset}", KAN, *SHORT, "trainer.max_epochs=3")
    row, other = train(cfg, tmp_path / "whole"), train(plain, tmp_path / "plain")
    assert row["val/brier"] != other["val/brier"]

    # what was validated is what was saved, threshold included
    best = tmp_path / "whole" / "checkpoints" / "best.ckpt"
    told = epochs_of(tmp_path / "whole").loc[row["epoch"]]
    again = evaluate_checkpoint(best, dataset, "val")
    for name in ("brier", "auroc", "balanced_accuracy"):
        assert again.metrics[name] == pytest.approx(told[f"val/{name}"], abs=1e-6)

    # training itself did not see it
    last = [torch.load(tmp_path / r / "checkpoints" / "last.ckpt", weights_only=True) for r in ("whole", "plain")]
    key = "objective.net.towers.0.stages.0.0.weight"
    assert torch.equal(last[0]["current_model_state"][key], last[1]["state_dict"][key])
    assert not torch.equal(last[0]["state_dict"][key], last[1]["state_dict"][key])

    killed_in(2, cfg, tmp_path / "killed")
    train(cfg, tmp_path / "killed")
    killed = torch.load(tmp_path / "killed" / "checkpoints" / "last.ckpt", weights_only=True)
    for part in ("state_dict", "current_model_state"):
        assert [k for k, v in last[0][part].items() if not torch.equal(v, killed[part][k])] == []


def test_the_average_has_the_batch_norm_statistics_of_its_own_activations(
    dataset: Path, compose_train: Compose, tmp_path: Path
):
    cfg = compose_train(f"data.root={dataset}", "callbacks=ema", KAN, *SHORT, "callbacks.ema.batches=100")
    train(cfg, tmp_path)
    trained = load_trained(tmp_path / "checkpoints" / "last.ckpt")
    stored = {k: v.clone() for k, v in trained.module.net.state_dict().items() if "running" in k}
    norms = [m for m in trained.module.net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    data = OreDataModule(**trained.data)
    with torch.no_grad():
        for batch in data.loader("train", epoch=0):
            trained.module(batch["low"], batch["high"])
    assert len(norms) > 4
    for key, value in trained.module.net.state_dict().items():
        if "running" in key:
            torch.testing.assert_close(value, stored[key], rtol=1e-4, atol=1e-6)


def test_one_file_adds_a_callback_and_a_loss_of_ones_own(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from pairs import SMALL

    from oresort import train as verb

    (tmp_path / "my_parts.py").write_text(
        "from pathlib import Path\n"
        "from lightning.pytorch.callbacks import Callback\n"
        "from oresort.learn.losses import Loss\n"
        "class Told(Callback):\n"
        "    def __init__(self, file):\n"
        "        self.file = file\n"
        "    def on_train_end(self, trainer, pl_module):\n"
        "        Path(self.file).write_text(type(pl_module.objective.loss).__name__)\n"
        "class Brier(Loss):\n"
        "    def forward(self, logits, label):\n"
        "        return (logits.softmax(1)[:, 1] - label) ** 2\n"
    )
    for group, text in {
        "callbacks": f"# Tells.\ntold:\n  _target_: my_parts.Told\n  file: {tmp_path / 'told'}\n",
        "objective/loss": "# Squares.\n_target_: my_parts.Brier\n",
    }.items():
        (tmp_path / "conf" / group).mkdir(parents=True)
        (tmp_path / "conf" / group / "mine.yaml").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    words = ("--config-dir", str(tmp_path / "conf"), "callbacks=[mine,lr_monitor]", "objective/loss=mine")
    code, _, err = command(verb, *words, f"data.root={dataset}", f"out={tmp_path / 'run'}", *SMALL)
    assert code == 0, err
    assert (tmp_path / "told").read_text() == "Brier"
    config = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert config["config.objective.loss._target_"] == "my_parts.Brier"
    trust("my_parts")
    assert load_trained(tmp_path / "run" / "checkpoints" / "best.ckpt").threshold >= 0
