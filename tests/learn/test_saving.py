"""Checkpoints are whole wherever they are written, and a run goes on wherever it was moved."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from kill import Killed, killed_in

from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.record import read_row
from oresort.learn.saving import WholeCheckpoints
from oresort.learn.tracking import EpochLogger

Compose = Callable[..., TrainConfig]


def test_a_killed_run_that_was_moved_ends_as_if_nothing_had_happened(
    trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path
):
    words = f"data.root={dataset}", "trainer.max_epochs=3"
    killed_in(2, compose_train(*words), tmp_path / "here" / "run")
    shutil.move(tmp_path / "here" / "run", tmp_path / "there")
    last = torch.load(tmp_path / "there" / "checkpoints" / "last.ckpt", weights_only=True)
    assert any(str(tmp_path / "here") in str(state.get("dirpath")) for state in last["callbacks"].values())
    row = train(compose_train(*words), tmp_path / "there")
    untouched = read_row(trained / "metrics.json")
    for key in ("monitor_value", "epoch", "test/auroc", "val/auroc", "threshold"):
        assert row[key] == untouched[key], key
    pd.testing.assert_frame_equal(*(pd.read_csv(f / "predictions.csv") for f in (tmp_path / "there", trained)))


def test_a_better_epoch_before_the_move_stays_the_best(dataset: Path, compose_train: Compose, tmp_path: Path):
    cfg = compose_train(f"data.root={dataset}", "trainer.max_epochs=3")
    killed_in(2, cfg, tmp_path / "a")
    last = tmp_path / "a" / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    state = next(s for s in content["callbacks"].values() if s.get("monitor") == "val/auroc")
    # as if the epochs before had been perfect: nothing that comes may replace them
    state |= {"best_model_score": torch.tensor(1.5), "kth_value": torch.tensor(1.5)}
    state["best_k_models"] = dict.fromkeys(state["best_k_models"], torch.tensor(1.5))
    torch.save(content, last)
    epoch = load_trained(tmp_path / "a").epoch
    (tmp_path / "a").rename(tmp_path / "b")
    row = train(cfg, tmp_path / "b")
    assert (row["monitor_value"], row["epoch"]) == (1.5, epoch)


@pytest.mark.parametrize("moved", [False, True])
def test_a_run_named_from_the_working_folder_keeps_its_best_as_well(
    moved: bool, dataset: Path, compose_train: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cfg, elsewhere = compose_train(f"data.root={dataset}", "trainer.max_epochs=3"), tmp_path / "elsewhere"
    cfg.callbacks["mine"] = {
        "_target_": "lightning.pytorch.callbacks.ModelCheckpoint",
        **{"dirpath": str(elsewhere), "filename": "mine", "monitor": "val/f1", "mode": "max"},
    }
    monkeypatch.chdir(tmp_path)
    killed_in(2, cfg, Path("a"))
    last = Path("a") / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    for state in content["callbacks"].values():
        if state.get("monitor") in ("val/auroc", "val/f1"):  # as if nothing that comes could be better
            state |= {"best_model_score": torch.tensor(1.5), "kth_value": torch.tensor(1.5)}
            state["best_k_models"] = dict.fromkeys(state["best_k_models"], torch.tensor(1.5))
    torch.save(content, last)
    epoch, mine = load_trained("a").epoch, (elsewhere / "mine.ckpt").stat().st_mtime_ns
    if moved:
        Path("a").rename("b")
    row = train(cfg, Path("b" if moved else "a"))
    assert (row["monitor_value"], row["epoch"]) == (1.5, epoch)
    assert (elsewhere / "mine.ckpt").stat().st_mtime_ns == mine


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file, io = tmp_path / "last.ckpt", WholeCheckpoints()
    io.save_checkpoint({"epoch": 1}, file)

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(bytes(data[:100]))
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        io.save_checkpoint({"epoch": 2}, file)
    assert torch.load(file, weights_only=True)["epoch"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.fixture(scope="module")
def cut(
    dataset: Path, compose_train: Compose, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], tuple[TrainConfig, Path]]:
    """Copy a run that was killed in its second epoch of two into a folder; its configuration, its last checkpoint."""
    cfg, run = compose_train(f"data.root={dataset}", "trainer.max_epochs=2"), tmp_path_factory.mktemp("cut") / "run"
    killed_in(1, cfg, run)

    def copy(folder: Path) -> tuple[TrainConfig, Path]:
        shutil.copytree(run, folder)
        return cfg, folder / "checkpoints" / "last.ckpt"

    return copy


@pytest.mark.parametrize("content", [b"", b"garbage", "cut", "list", "lacking"])
def test_a_damaged_last_checkpoint_says_what_to_do(content: bytes | str, cut: Any, tmp_path: Path):
    cfg, last = cut(tmp_path / "run")
    if content == "cut":
        last.write_bytes(last.read_bytes()[:-500])
    elif isinstance(content, str):
        torch.save([1, 2] if content == "list" else {"state_dict": {}}, last)
    else:
        last.write_bytes(content)
    with pytest.raises(InputError, match=r"last.ckpt: .*remove it, and the same command starts"):
        train(cfg, tmp_path / "run")


def test_without_its_last_checkpoint_a_run_starts_again(cut: Any, tmp_path: Path):
    cfg, last = cut(tmp_path / "run")
    last.unlink()
    assert train(cfg, tmp_path / "run")["status"] == "finished"


def test_a_folder_belongs_to_one_process_at_a_time(dataset: Path, compose_train: Compose, tmp_path: Path):
    cfg = compose_train(f"data.root={dataset}", "trainer.max_epochs=1")
    folder = tmp_path / "run"
    folder.mkdir()
    other = os.open(folder, os.O_RDONLY)  # another handle holds a lock as another process would
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(InputError, match="another process is at work in it"):
        train(cfg, folder)
    assert list(folder.iterdir()) == []
    os.close(other)  # as when that process dies
    assert train(cfg, folder)["status"] == "finished"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(trained: Path, value: float, tmp_path: Path):
    content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    name = next(key for key, tensor in content["state_dict"].items() if tensor.ndim > 1)
    content["state_dict"][name].view(-1)[0] = value
    torch.save(content, tmp_path / "bad.ckpt")
    with pytest.raises(InputError, match=f"{name} holds values that are not finite"):
        load_trained(tmp_path / "bad.ckpt")


@pytest.mark.parametrize("value", [float("nan"), 7.0, -0.1])
def test_a_threshold_out_of_range_is_refused(trained: Path, value: float, tmp_path: Path):
    content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    content["state_dict"]["threshold"].fill_(value)
    torch.save(content, tmp_path / "bad.ckpt")
    with pytest.raises(InputError, match=r"bad.ckpt: threshold=.*not (a probability|finite)|threshold holds values"):
        load_trained(tmp_path / "bad.ckpt")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hyper_parameters", None),
        ("hyper_parameters", []),
        ("hyper_parameters", {}),
        ("hyper_parameters", {"model": 3}),
        ("epoch", "x"),
        ("datamodule_hyper_parameters", 3),
        ("state_dict", []),
        ("state_dict", {"threshold": 3}),
    ],
)
def test_settings_of_a_strangers_checkpoint_are_not_trusted(trained: Path, key: str, value: object, tmp_path: Path):
    content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    torch.save(content | {key: value}, tmp_path / "bad.ckpt")
    with pytest.raises(InputError, match=r"bad\.ckpt: "):
        load_trained(tmp_path / "bad.ckpt")


def test_an_epoch_whose_row_a_kill_prevented_is_complete_afterwards(
    trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cfg, folder = compose_train(f"data.root={dataset}", "trainer.max_epochs=3"), tmp_path / "run"
    log = EpochLogger.log_metrics

    def dies(self: EpochLogger, metrics: dict[str, float], step: int | None = None) -> None:
        if metrics.get("epoch") == 1 and "train/loss" in metrics:
            raise Killed
        log(self, metrics, step)

    with monkeypatch.context() as patch:
        patch.setattr(EpochLogger, "log_metrics", dies)
        with pytest.raises(Killed):
            train(cfg, folder)
    train(cfg, folder)
    whole, again = (pd.read_csv(f / "metrics.csv") for f in (trained, folder))
    pd.testing.assert_frame_equal(again[whole.columns], whole, rtol=1e-6)
    assert not again[["train/loss", "val/auroc", "lr"]].isna().any(axis=None)


@pytest.mark.parametrize("content", ["", "garbage", "a,b\n1,2\n", "epoch\nx\n"])
def test_a_damaged_table_of_epochs_is_named(content: str, dataset: Path, compose_train: Compose, tmp_path: Path):
    (tmp_path / "metrics.csv").write_text(content)
    with pytest.raises(InputError, match=r"metrics\.csv: .*; remove it"):
        train(compose_train(f"data.root={dataset}", "trainer.max_epochs=1"), tmp_path)


@pytest.mark.parametrize("change", ["shape", "key", "nan"])
def test_a_last_checkpoint_of_other_weights_is_named(change: str, cut: Any, tmp_path: Path):
    cfg, last = cut(tmp_path / "run")
    content = torch.load(last, weights_only=True)
    name = next(key for key, tensor in content["state_dict"].items() if tensor.ndim > 1)
    if change == "shape":
        content["state_dict"][name] = content["state_dict"][name][..., None]
    elif change == "key":
        content["state_dict"]["other"] = content["state_dict"].pop(name)
    else:
        content["state_dict"][name].view(-1)[0] = float("nan")
    torch.save(content, last)
    with pytest.raises(InputError, match=r"last\.ckpt: (of another model|damaged, .* not finite).*; remove it"):
        train(cfg, tmp_path / "run")


def test_what_a_kill_left_beside_a_checkpoint_goes_when_the_run_goes_on(cut: Any, tmp_path: Path):
    cfg, last = cut(tmp_path / "run")
    leftovers = [tmp_path / "run" / ".metrics-abcdefgh.json", last.with_name(".last-abcdefgh.ckpt")]
    for file in leftovers:
        file.write_bytes(b"half")
        os.utime(file, (1, 1))
    train(cfg, tmp_path / "run")
    assert not any(file.exists() for file in leftovers)
