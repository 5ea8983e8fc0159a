"""Several seeds at once: each run is what it is alone, to the bit on a CPU, and none takes another down."""

import random
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from oresort import train
from oresort.errors import InputError
from oresort.learn import fit, turns
from oresort.learn import job as jobs
from oresort.learn.config import TrainConfig
from oresort.learn.module import OreModule
from oresort.learn.record import read_row
from oresort.learn.turns import beside, by_seed, hand_over, in_turns

Compose = Callable[..., TrainConfig]
WORDS = ("trainer.max_epochs=2", "data.batch_size=8", "objective.energy_dropout=0.3")


def weights(run: Path) -> dict[str, torch.Tensor]:
    content: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    found: dict[str, torch.Tensor] = content["state_dict"]
    return found


def same_weights(run: Path, other: Path) -> None:
    found, expected = weights(run), weights(other)
    assert found.keys() == expected.keys()
    assert [name for name, value in found.items() if not torch.equal(value, expected[name])] == []


@pytest.mark.parametrize("words", [(), ("data.resident=true", "callbacks=[ema]")])
def test_each_seed_ends_as_it_ends_alone(compose_train: Compose, dataset: Path, tmp_path: Path, words: tuple[str, ...]):
    seeds = (3, 5)
    cfg = compose_train(f"data.root={dataset}", *WORDS, *words, f"at_once={list(seeds)}")
    folders = {f"{one.seed}": tmp_path / f"{one.seed}" for one in by_seed(cfg)}
    rows = in_turns({f"{one.seed}": partial(fit.train, one, folders[f"{one.seed}"]) for one in by_seed(cfg)})
    assert {row["seed"] for row in rows.values()} == set(seeds)
    for seed, row in rows.items():
        folder = tmp_path / f"alone-{seed}"
        alone = fit.train(compose_train(f"data.root={dataset}", *WORDS, *words, f"seed={seed}"), folder)
        assert row.pop("at_once") == 2
        assert row["device"] == f"{alone['device']}, 2 runs at once"
        row["device"] = alone["device"]
        assert {k: v for k, v in row.items() if "seconds" not in k} == {
            k: v for k, v in alone.items() if "seconds" not in k
        }
        same_weights(folder, folders[seed])
        pd.testing.assert_frame_equal(*(pd.read_csv(f / "metrics.csv") for f in (folder, folders[seed])))
    assert not torch.equal(*(next(iter(weights(folder).values())) for folder in folders.values()))


def drawing(seed: int, hand: Callable[[], None]) -> list[float]:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    torch.use_deterministic_algorithms(seed == 1)
    drawn = []
    for _ in range(3):
        drawn += [float(torch.rand(1)), float(np.random.rand()), random.random()]  # noqa: NPY002
        hand()
        drawn.append(torch.are_deterministic_algorithms_enabled())
    torch.use_deterministic_algorithms(False)
    return drawn


def test_what_is_drawn_and_set_for_the_whole_process_is_each_seeds_own():
    found = in_turns({f"{seed}": partial(drawing, seed, hand_over) for seed in (1, 2, 3)})
    assert found == {f"{seed}": drawing(seed, lambda: None) for seed in (1, 2, 3)}
    assert not torch.are_deterministic_algorithms_enabled()


def test_one_runs_at_a_time_and_all_get_on():
    order: list[int] = []
    others = threading.active_count()  # of whatever ran before in this process

    def job(number: int) -> int:
        for _ in range(number + 1):  # one ends before the other
            order.append(number)
            assert beside() == 3
            hand_over()
        return number

    assert in_turns({f"{n}": partial(job, n) for n in range(3)}) == {"0": 0, "1": 1, "2": 2}
    assert order == [0, 1, 2, 1, 2, 2]
    assert beside() == 1
    assert threading.active_count() == others


def test_what_one_raises_comes_out_when_the_others_have_ended():
    ended = []

    def job(number: int) -> None:
        hand_over()
        if number == 1:
            raise KeyError("a defect")
        ended.append(number)

    with pytest.raises(KeyError, match="a defect"):
        in_turns({f"{n}": partial(job, n) for n in range(3)})
    assert ended == [0, 2]


def test_a_seed_that_fails_is_listed_and_the_same_command_runs_only_what_is_missing(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken, real = {1}, jobs.train

    def sometimes(cfg: TrainConfig, *rest: Any) -> dict[str, Any]:
        if cfg.seed in broken:
            raise InputError("the device is on fire; put it out")
        return real(cfg, *rest)

    from pairs import SMALL

    monkeypatch.setattr(jobs, "train", sometimes)
    words = (f"data.root={dataset}", f"out={tmp_path}", "at_once=[0,1]", *SMALL)
    code, _, err = command(train, *words)
    assert code == 1
    assert "1 of 2 seeds without a result; seed 1: the device is on fire" in err
    (first,) = tmp_path.glob("train-s0-*/metrics.json")
    before = first.stat().st_mtime_ns
    broken.clear()
    code, _, err = command(train, "-m", *words)  # as a sweep: the same folders
    assert code == 0, err
    assert "2 jobs in" in err
    assert "at_once=0,1" in err
    assert "seed 0: finished earlier" in err
    assert first.stat().st_mtime_ns == before
    (second,) = tmp_path.glob("train-s1-*/metrics.json")
    assert read_row(second)["status"] == "finished"


def test_a_signal_stops_all_and_they_go_on_to_the_same_end(compose_train: Compose, dataset: Path, tmp_path: Path):
    words = (f"data.root={dataset}", "trainer.max_epochs=4", "data.batch_size=16")
    cfg = compose_train(*words, "at_once=[3,5]")

    def job(one: TrainConfig) -> dict[str, Any]:
        return fit.train(one, tmp_path / f"{one.seed}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OreModule, "training_step", told_to_stop_in(epoch=2))
        with pytest.raises(KeyboardInterrupt):
            in_turns({f"{one.seed}": partial(job, one) for one in by_seed(cfg)})
    states = [read_row(tmp_path / f"{seed}" / "metrics.json")["status"] for seed in (3, 5)]
    assert states == ["interrupted", "interrupted"]
    assert all((tmp_path / f"{seed}" / "checkpoints" / "last.ckpt").is_file() for seed in (3, 5))
    rows = in_turns({f"{one.seed}": partial(job, one) for one in by_seed(cfg)})
    alone = fit.train(compose_train(*words, "seed=5"), tmp_path / "alone")
    assert rows["5"]["test/auroc"] == alone["test/auroc"]
    same_weights(tmp_path / "alone", tmp_path / "5")


def told_to_stop_in(epoch: int) -> Callable[[OreModule, dict[str, torch.Tensor]], torch.Tensor]:
    """Return a training step that is interrupted, as by Ctrl-C, where the first of the trainings comes to an epoch."""
    step, told = OreModule.training_step, threading.Event()

    def training_step(self: OreModule, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.current_epoch == epoch and not told.is_set():
            told.set()
            signal.raise_signal(signal.SIGINT)
            table = turns._mine.seat.table
            while table.stopped is None:  # the main thread looks five times a second
                time.sleep(0.01)
        return step(self, batch)

    return training_step


@pytest.mark.parametrize(
    ("seeds", "said"), [("[0,0]", "0 stands there twice"), ("[1,-2]", "each a whole number"), ("[a]", "Integer")]
)
def test_seeds_that_cannot_be_trained_at_once_are_refused(
    command: Any, dataset: Path, tmp_path: Path, seeds: str, said: str
):
    code, _, err = command(train, f"data.root={dataset}", f"at_once={seeds}", f"out={tmp_path / 'none'}")
    assert code == 1
    assert err.startswith("error: at_once")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "none").exists()
