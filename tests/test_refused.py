"""What a run cannot have is refused before a pair is read, in one line that names key and mend."""

import fcntl
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from oresort import evaluate, import_weights, report, train
from oresort.console import started
from oresort.console.messages import explained
from oresort.data.augment import Augmentation
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.fit import data_module
from oresort.learn.options import check_options
from oresort.make import make
from oresort.models.towers.tower import Tower

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("trainer.max_epochs=0", "trainer.max_epochs=0: give a whole number of at least 1"),
        ("trainer.max_epochs=true", "trainer.max_epochs=true: "),
        ("trainer.devices=0", "trainer.devices=0: give a number of at least 1"),
        ("trainer.devices=-3", "trainer.devices=-3: "),
        ("trainer.devices=[]", "trainer.devices=[]: "),
        ("trainer.devices=1.5", "trainer.devices=1.5: give a list in brackets or a name or a whole number"),
        ("trainer.limit_train_batches=2.5", "trainer.limit_train_batches=2.5: give a number of batches"),
        ("trainer.limit_train_batches=0", "trainer.limit_train_batches=0: "),
        ("trainer.limit_train_batches=-1", "trainer.limit_train_batches=-1: "),
        ("trainer.limit_train_batches=x", "trainer.limit_train_batches=x: "),
        ("trainer.limit_val_batches=0", "trainer.limit_val_batches=0: "),
        ("trainer.check_val_every_n_epoch=300", "no validation in 200 epochs"),
        ("trainer.check_val_every_n_epoch=0", "trainer.check_val_every_n_epoch=0: "),
        ("trainer.max_steps=0", "trainer.max_steps=0: give a whole number of at least 1, or -1"),
        ("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=0: "),
        ("trainer.accumulate_grad_batches=null", "trainer.accumulate_grad_batches=null: "),
        ("trainer.gradient_clip_val=-1", "trainer.gradient_clip_val=-1: give a number of at least 0"),
        ("trainer.precision=7", "trainer.precision=7: give "),
        ("trainer.deterministic=perhaps", "trainer.deterministic=perhaps: give true or false or warn"),
        ("trainer.log_every_n_steps=-1", "trainer.log_every_n_steps=-1: "),
        ("trainer.enable_progress_bar=3", "trainer.enable_progress_bar=3: give true or false"),
        ("trainer.fast_dev_run=true", "trainer.fast_dev_run: keeps no checkpoint; trainer=smoke"),
        ("trainer.enable_checkpointing=false", "trainer.enable_checkpointing: is always on"),
        ("trainer.epochs=3", "did you mean trainer.max_epochs?"),
        ("trainer.max_epoch=3", "did you mean trainer.max_epochs?"),
        ("trainer.limit_test_batches=3", "trainer.limit_test_batches: has no effect"),
        ("trainer.val_check_interval=0", "trainer.val_check_interval: is once an epoch"),
        ("trainer.num_nodes=2", "trainer.num_nodes=2: would wait for the others for ever"),
        ("trainer.strategy=ddp_spawn", "trainer.strategy=ddp_spawn: processes must begin anew"),
        (
            "callbacks.early_stopping.patience=3",
            "callbacks.early_stopping: is not chosen; add callbacks=",
        ),
        ("optim.lr=0", "optim.lr=0"),
        ("optim.lr=-1", "lr=-1"),
        ("optim.weight_decay=-1", "weight_decay=-1"),
        ("optim.weight_decay=x", "weight_decay='x': give a number"),
        ("optim.learning_rate=1", "unexpected keyword argument 'learning_rate'; accepted: lr,"),
        ("optim.betas=[0.9]", "betas"),
        ("schedule.warmup=x", "warmup='x': give a number"),
        ("schedule.warmup=2", "warmup"),
        ("optim._target_=torch.optim.Nope", "_target_=torch.optim.Nope: no such optimizer"),
        pytest.param("trainer=gpu", "trainer.accelerator=gpu: torch", marks=NO_GPU),
    ],
)
def test_options_are_checked_before_the_pairs(compose_train: Callable[..., TrainConfig], word: str, said: str):
    with pytest.raises(InputError) as caught:
        check_options(compose_train("data.root=nowhere", word, small=False))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_callback_watches_what_is_logged(compose_train: Callable[..., TrainConfig]):
    words = ("data.root=nowhere", "callbacks=early_stopping")
    check_options(compose_train(*words, small=False))
    with pytest.raises(InputError, match=r"callbacks\.early_stopping\.monitor=nope: no epoch logs it; known are auroc"):
        check_options(compose_train(*words, "callbacks.early_stopping.monitor=nope", small=False))


@pytest.mark.parametrize(
    ("target", "base", "said"),
    [
        ("foo", Augmentation, "known: oresort.data.augment.Augmentation"),
        ("oresort.models.towers.Nope", Tower, "known: oresort.models.towers.compact.CompactTower"),
        ("torch.optim.Nope", torch.optim.Optimizer, r"known: .*torch.optim"),
    ],
)
def test_a_wrong_target_is_answered_at_once(target: str, base: type, said: str):
    start = time.process_time()
    with pytest.raises(InputError, match=said):
        make({"_target_": target}, base)
    assert time.process_time() - start < 2  # of a processor, however busy others are


@pytest.mark.parametrize("word", ["size=0", "size=-4", "size=20000", "size=null", "extent=0", "extent=1000000000"])
def test_the_size_of_images_is_bounded(compose_train: Callable[..., TrainConfig], word: str):
    cfg = compose_train("data.root=nowhere", f"representation.{word}", small=False)
    with pytest.raises(InputError, match=f"Attenuation: {word.partition('=')[0]}="):
        data_module(cfg)


@pytest.mark.parametrize(
    "word",
    [
        "trainer.profiler=simple",
        "trainer.gradient_clip_val=1.0",
        "trainer.fast_dev_run=false",
        "trainer.max_time='00:01:00:00'",
        "trainer.devices=auto",
        "trainer.limit_val_batches=1.0",
        "trainer.overfit_batches=2",
        "trainer.max_steps=1000",
        "trainer.precision=bf16-mixed",
        "optim.betas=[0.9,0.99]",
        "optim=sgd",
        "optim=muon",
        "schedule=onecycle",
    ],
)
def test_every_option_of_the_trainer_is_given_without_a_plus(compose_train: Callable[..., TrainConfig], word: str):
    check_options(compose_train("data.root=nowhere", word, small=False))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("seed=-1", "seed=-1: give a whole number from 0 to 4294967295"),
        ("seed=4294967296", "seed=4294967296: "),
        ("data.split_seed=-1", "data.split_seed=-1: "),
        ("data.workers=-1", "data.workers=-1: "),
        ("data.limit=0", "data.limit=0: "),
        ("data.batch_size=1.5", "data.batch_size=1.5: give a whole number"),
        ("data.batch_size=true", "data.batch_size=true: give a whole number"),
        ("data.root=null", "data.root=null: give a name"),
        ("data=null", "data=null: give its keys one by one: root, "),
        ("threshold=null", "threshold=null: give a number from 0 to 1, or balanced_accuracy, f1"),
        ("threshold=true", "threshold=true: "),
        ("threshold=[0.5]", "threshold=[0.5]: "),
        ("threshold=nan", "threshold=nan: "),
        ("compile=fast", "compile=fast: known are false, true, default"),
        ("recipe.init=zero", "recipe.init=zero: known are linear, paper, lecun, glorot"),
        ("optim.lr=inf", "optim.lr=inf: give a finite number"),
        ("optim.weight_decay=nan", "optim.weight_decay=nan: give a finite number"),
        ("optim=3", "optim=3: no such choice; known are adamw, muon, sgd"),
        ("callbacks=null", "callbacks=null: no such choice; known are"),
        ("experiment=demo", "experiment: is added, as +experiment=NAME; known are"),
        ("model=kan", "model: has no files to choose from; known are model/fusion, model/head, model/tower"),
        ("+model/tower=paper", "+model/tower: one is chosen already; write model/tower=NAME"),
        ("preset=small", "preset: a group of another command; --help"),
        ("~data.root", "~data.root: cannot be left out"),
        ("data.root=${oc.env:NOT_SET}", "data.root: Environment variable 'NOT_SET' not found"),
        ("model/tower=timm", "model.tower.name: missing; give it as model.tower.name=VALUE"),
        ("runs/a/best.ckpt", "'runs/a/best.ckpt': not a word that can be read; write key=value"),
        ("=3", "'=3': not a word that can be read; write key=value"),
    ],
)
def test_keys_are_checked_as_they_are_composed(compose_train: Callable[..., TrainConfig], word: str, said: str):
    with pytest.raises(Exception) as caught:  # noqa: PT011  of Hydra's, in the command's words below
        compose_train(word, small=False)
    error = caught.value if isinstance(caught.value, InputError) else explained(caught.value, TrainConfig)
    assert said in str(error)
    assert "\n" not in str(error)
    assert "Config search path" not in str(error)


def test_a_bare_path_is_told_its_key(command: Any):
    code, _, err = command(evaluate, "runs/a/best.ckpt", "data.root=x")
    assert code == 1
    assert err == "error: 'runs/a/best.ckpt': not a word that can be read; write ckpt=runs/a/best.ckpt\n"


def test_a_failed_start_removes_what_it_made_and_nothing_else(command: Any, dataset: Path, tmp_path: Path):
    (tmp_path / "old").mkdir()
    (tmp_path / "file").write_text("mine")
    for out in ("new/a/b", "old", "old/c", "file", "file/d"):
        code, _, err = command(train, f"data.root={dataset}", f"out={tmp_path / out}", "optim.lr=-1")
        assert code == 1
        assert err.count("error: ") == 1
        assert "Traceback" not in err
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "old"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_another_process_has_taken_meanwhile_stays(tmp_path: Path):
    for folder in ("free", "taken"):
        (tmp_path / folder).mkdir()
        started._made.append((tmp_path / folder, [], False))
    handle = os.open(tmp_path / "taken", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    started.undo()
    os.close(handle)
    assert [folder.name for folder in tmp_path.iterdir()] == ["taken"]


def test_a_sweep_goes_on_past_a_job_that_cannot_be(command: Any, tmp_path: Path):
    words = ("-m", "data.root=nowhere", "trainer.enable_progress_bar=false")
    code, out, err = command(train, *words, f"out={tmp_path / 'a'}", "seed=-1,1")
    assert code == 1
    assert "error: seed=-1: give a whole number from 0 to 4294967295 (job " in err
    assert "nowhere: not a folder" in out
    assert len(list((tmp_path / "a").glob("train-s1-*/metrics.json"))) == 1  # says why the other job failed
    code, _, err = command(train, *words, f"out={tmp_path / 'b'}", "seed=-1,-2")
    assert code == 1
    assert [line.startswith("error: seed=-") for line in err.splitlines() if "error" in line] == [True, True]
    assert not (tmp_path / "b").exists()


def test_a_limit_of_steps_within_the_first_epoch_is_refused(command: Any, dataset: Path, tmp_path: Path):
    words = ("recipe=lite", "data.batch_size=8", "trainer.max_epochs=1", "trainer.enable_progress_bar=false")
    code, _, err = command(train, f"data.root={dataset}", f"out={tmp_path / 'a'}", *words, "trainer.max_steps=2")
    assert code == 1
    assert "error: trainer.max_steps=2: ends before the first validation" in err
    assert "trainer.limit_train_batches=2" in err
    assert not (tmp_path / "a").exists()


def test_jobs_bear_the_name_of_their_verb(command: Any):
    code, out, _ = command(train, "data.root=x", "--cfg", "hydra", "-p", "hydra.job.name")
    assert (code, out.strip()) == (0, "train")


def test_a_warning_is_said_once_a_run(command: Any, monkeypatch: Any):
    def warn_thrice(_: object) -> None:
        for text in ("one", "one", "two", "one"):
            with warnings.catch_warnings():  # which makes Python forget what it has shown
                warnings.simplefilter("always")
                warnings.warn(text, stacklevel=1)

    monkeypatch.setattr("oresort.evaluate.evaluate", warn_thrice)
    for _ in range(2):  # and again in the next run
        code, _out, err = command(evaluate, "ckpt=x", "data.root=x")
        assert (code, err) == (0, "warning: one\nwarning: two\n")


def test_our_own_checkpoint_is_no_weight_file(command: Any, trained: Path, tmp_path: Path):
    words = (f"weights={trained / 'checkpoints' / 'best.ckpt'}", f"out={tmp_path / 'x.ckpt'}")
    code, _, err = command(import_weights, *words)
    assert code == 1
    assert "best.ckpt: a checkpoint of oresort already; evaluate and sort take it as it is" in err


def test_help_says_how_any_option_is_given(command: Any):
    code, out, _ = command(train, "--help")
    assert code == 0
    assert "max_epochs" in out
    assert "any other option of lightning.Trainer is given likewise: trainer.max_time=" in out
    assert "GROUP.KEY=value" in out
    assert "+key=value" not in out


def test_a_path_that_cannot_be_is_one_line(command: Any, trained: Path, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / ("n" * 300)):
        code, _, err = command(report, f"runs={trained}", f"out={out}")
        assert code == 1
        assert err.count("\n") == 1, err
        assert err.startswith("error: ")
        assert str(out)[:200] in err
    assert (tmp_path / "file").read_text() == "mine"
