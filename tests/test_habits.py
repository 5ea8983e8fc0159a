"""What users of timm and Lightning are used to: each habit is there, or refused by name with the reason.

A row is run, composed and checked as a run checks it, or read on the page that tells it.
"""

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

import oresort
from oresort import evaluate, explain, report, train
from oresort.console.complete import completions
from oresort.console.compose import composed
from oresort.data.datamodule import OreDataModule
from oresort.learn.config import TrainConfig
from oresort.learn.options import check_options
from oresort.learn.record import read_row
from oresort.make import find, make

DOCS = Path(__file__).parents[1] / "docs"

COMPOSED = {
    "accelerator and devices by themselves": "trainer.accelerator=auto trainer.devices=auto",
    "a share of the batches": "trainer.limit_train_batches=0.1 trainer.limit_val_batches=2",
    "gradient clipping": "trainer.gradient_clip_val=1.0",
    "gradients of several batches": "trainer.accumulate_grad_batches=4",
    "overfit a few batches": "trainer.overfit_batches=2",
    "no longer than": "trainer.max_time=00:08:00:00",
    "a profiler": "trainer.profiler=simple",
    "validation every so many epochs": "trainer.check_val_every_n_epoch=2 trainer.max_epochs=4",
    "two batches, does it run": "trainer=smoke",
    "16 bits": "trainer.precision=bf16-mixed",
    "batch size, workers, seed": "data.batch_size=32 data.workers=2 seed=3",
    "early stopping": "callbacks=[early_stopping] callbacks.early_stopping.patience=5",
    "a checkpoint of every epoch": "callbacks=[every_epochs] callbacks.every_epochs.every_n_epochs=1",
    "any callback of Lightning": "callbacks.watch._target_=lightning.pytorch.callbacks.DeviceStatsMonitor",
    "TensorBoard": "logger=[tensorboard]",
    "MLflow": "logger=[mlflow]",
    "any logger of Lightning": "logger.table._target_=lightning.pytorch.loggers.CSVLogger",
    "W&B": "logger=[wandb] logger.wandb.notes=first logger.wandb.project=mine",
    "another optimiser": "optim=sgd optim.momentum=0.8",
    "any optimiser of torch or timm": "optim._target_=timm.optim.Lion ~optim.weight_decay",
    "another schedule": "schedule=onecycle",
    "weights of the classes": "objective.loss.weight=[1.0,3.0]",
    "label smoothing": "objective.loss.smoothing=0.1",
    "focal loss": "objective/loss=focal",
    "noise, gain and turns": "augment.noise=0.01 augment.gain=[0.9,1.1] augment.transpose=0.5",
    "an average of weights": "callbacks=[ema]",
    "folds over scans": "data.folds=5 data.fold=0",
    "a search": "score=val/auroc",
    "a published network": "model/tower=timm model.tower.name=resnet18",
}
"""Words of train."""

REFUSED = {
    "a learning-rate finder": ("callbacks.f._target_=lightning.pytorch.callbacks.LearningRateFinder", "search instead"),
    "a batch-size finder": ("callbacks.f._target_=lightning.pytorch.callbacks.BatchSizeFinder", "search instead"),
    "no validation": ("trainer.limit_val_batches=0", "give a number of batches of at least 1"),
    "fast_dev_run": ("trainer.fast_dev_run=true", "trainer=smoke runs two batches"),
    "validation within an epoch": ("trainer.val_check_interval=0.5", "is once an epoch"),
    "no epoch": ("trainer.max_epochs=0", "give a whole number of at least 1"),
    "a list of callbacks": ("trainer.callbacks=[x]", "is set by the group callbacks"),
    "another logger by name": ("logger=neptune", "known are csv, mlflow, tensorboard, wandb"),
    "mixup": ("augment.mixup=0.2", "accepted: flip, transpose"),
    "balanced sampling": ("data.balanced=true", "did you mean objective.loss.weight=[1.0,2.0]?"),
    "class weights by another name": ("class_weights=[1,2]", "did you mean objective.loss.weight=[1.0,2.0]?"),
    "early stopping by another name": ("early_stopping=true", "did you mean callbacks=[early_stopping]?"),
    "the learning rate by another name": ("lr=1e-3", "did you mean optim.lr?"),
    "epochs by another name": ("epochs=3", "did you mean trainer.max_epochs=N?"),
    "pretrained=true": ("pretrained=true", "did you mean weights=FILE?"),
    "pretrained=true of a tower": (
        "model/tower=timm model.tower.name=resnet18 model.tower.pretrained=true",
        "accepted",
    ),
    "a name of trained weights": ("model/tower=timm model.tower.name=resnet18.a1_in1k", "which are not loaded"),
    "a word where a file is meant": ("model.fusion=concat", "chosen as model/fusion=concat"),
    "a number that is none": ("optim.lr=abc", "lr='abc'"),
    "a text for a number of epochs": ("trainer.max_epochs=two", "give a whole number of at least 1"),
    "an experiment without its plus": ("experiment=demo", "is added, as +experiment=NAME"),
}
"""Words of train, and what it says."""

DOCUMENTED = {
    "own optimiser, schedule, loss, callback, logger": ("experiments.md", "## Your own optimiser, schedule, loss"),
    "own fusion": ("fusion.md", "--config-dir"),
    "own basis": ("basis.md", "--config-dir"),
    "own tower and representation": ("parts.md", "model/tower=halving representation=capped"),  # which test_docs trains
    "training longer": ("experiments.md", "resume=runs/first trainer.max_epochs=40"),
    "minutes": ("reports.md", "`minutes`"),
    "grid and search": ("experiments.md", "hydra/sweeper=optuna"),
    "folds": ("experiments.md", "+experiment=crossval"),
    "several GPUs": ("experiments.md", "trainer=ddp"),
    "fine-tuning": ("few_labels.md", "freeze=[towers]"),
    "half precision": ("experiments.md", "trainer.precision=bf16-mixed"),
    "a model from Python": ("python.md", "oresort.load("),
    "Lightning's own trainer": ("python.md", "Trainer"),
    "an average of several models": ("experiments.md", "ckpt=["),
    "W&B sweeps": ("experiments.md", "docs/wandb_sweep.yaml"),
    "ONNX": ("runtime.md", "oresort.export"),
}
"""Pages, and what stands there."""


def built(cfg: TrainConfig) -> None:
    """Check a configuration as a run does before it reads any pair, and make its callbacks."""
    check_options(cfg)
    for spec in cfg.callbacks.values():
        make(spec, Callback)
    for spec in cfg.logger.values():
        find(spec["_target_"], Logger)


@pytest.mark.parametrize("habit", COMPOSED)
def test_it_is_there(habit: str, compose_train: Callable[..., TrainConfig]):
    built(compose_train(*COMPOSED[habit].split(), small=False))


@pytest.mark.parametrize("habit", REFUSED)
def test_it_is_refused_by_name(habit: str, command: Any, dataset: Path, tmp_path: Path):
    words, says = REFUSED[habit]
    code, _, err = command(train, f"data.root={dataset}", f"out={tmp_path}/run", *words.split())
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert len(lines) == 1, err
    assert says in lines[0]
    assert words.split()[-1].partition("=")[0].rpartition(".")[2].removeprefix("_target_") in lines[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("habit", DOCUMENTED)
def test_it_is_documented(habit: str):
    page, text = DOCUMENTED[habit]
    assert text in (DOCS / page).read_text()


def test_a_finished_run_is_trained_longer(command: Any, trained: Path, tmp_path: Path):
    code, out, err = command(train, f"resume={trained}", "trainer.max_epochs=4", f"out={tmp_path / 'longer'}")
    assert code == 0, err
    assert "goes on as in a run of 4 epochs: the learning rate was 3e-06 and is now" in err
    assert "best of 4 epochs" in out


def test_a_run_s_folder_is_as_good_as_its_checkpoint(command: Any, trained: Path, dataset: Path):
    code, out, err = command(evaluate, f"ckpt={trained}", f"data.root={dataset}")
    assert code == 0, err
    assert "auroc" in out


def test_a_bare_path_is_told_what_to_write(command: Any):
    code, _, err = command(evaluate, "runs/first/checkpoints/best.ckpt", "data.root=data")
    assert code == 1
    assert "write ckpt=runs/first/checkpoints/best.ckpt" in err


def test_turns_at_test_time_are_a_key_and_a_plus_too_many_is_said(command: Any, trained: Path, dataset: Path):
    words = (f"ckpt={trained}", f"data.root={dataset}")
    code, _, err = command(evaluate, *words, "tta=true")
    assert code == 0, err
    code, _, err = command(evaluate, *words, "+tta=true")
    assert code == 1
    assert "+tta: is a key already; write tta=true, without +" in err


def test_a_job_is_called_by_its_verb(command: Any):
    code, out, _ = command(train, "--cfg", "hydra", "-p", "hydra.job", "data.root=x")  # what a cluster's queue shows
    assert code == 0
    assert "name: train" in out


def test_an_evaluation_leaves_its_breakdown_and_its_figures(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    words = (f"ckpt={trained}", f"data.root={dataset}", f"out={tmp_path / 'e'}")
    code, out, err = command(evaluate, *words, "by=[batch]", "figures=[svg]")
    assert code == 0, err
    table = pd.read_csv(tmp_path / "e" / "breakdown.csv")
    whole = read_row(trained / "metrics.json")["pairs/test"]
    counted = table.groupby("by")["pairs"].sum()  # each pair stands once in each way to part them
    assert counted["batch"] == counted["class"] == counted["scan"] == whole
    recall = table.set_index(["by", "group"])["recall"]
    assert recall["class", "ore"] == read_row(trained / "metrics.json")["test/recall"]
    assert "batch" in out
    for name in ("roc", "precision_recall", "confusion", "reliability", "histogram", "by_batch"):
        assert "<svg" in (tmp_path / "e" / f"{name}.svg").read_text()[:1000]


def test_a_report_leaves_latex(command: Any, trained: Path, tmp_path: Path):
    code, _, err = command(report, f"runs={trained}", f"out={tmp_path}", "columns=[n,auroc,minutes]", "figures=[]")
    assert code == 0, err
    text = (tmp_path / "report.tex").read_text()
    auroc = read_row(trained / "metrics.json")["test/auroc"]
    assert r"\label{tab:runs}" in text
    assert re.search(rf"train & 1 & {100 * auroc:.2f} & \d+\.\d \\\\", text)
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1


def test_a_pruned_search_is_refused_by_name(command: Any, dataset: Path, tmp_path: Path):
    pytest.importorskip("optuna")
    search = ("-m", "hydra/sweeper=optuna", "score=val/auroc", "optim.lr=interval(1e-4,1e-2)", f"data.root={dataset}")
    code, _, err = command(train, *search, f"out={tmp_path / 's'}", "hydra.sweeper.pruner=median")
    line = next(line for line in err.splitlines() if line.startswith("error: "))
    assert code == 1
    assert "hydra.sweeper.pruner=median: trials are not pruned" in line
    assert "callbacks=[early_stopping]" in line
    assert not (tmp_path / "s").exists()


def test_python_has_the_names_of_the_first_cells():
    for name in ("load", "OreDataModule", "compose", "simulate_scan", "cut_scan"):
        assert callable(getattr(oresort, name))
    assert callable(OreDataModule.predict_dataloader)
    assert composed("train", TrainConfig, "data.root=x").data.root == "x"  # no call before


def test_grad_cam_and_tables_have_their_verbs():
    assert "Grad-CAM" in str(explain.__doc__)
    for name in ("columns", "figures"):
        assert name in {field.name for field in fields(report.ReportConfig)}


def test_tab_completes():
    assert "trainer.max_epochs=" in completions("train", [], "trainer.max")
