"""More epochs for a finished run: exact where the schedule allows it, a run of its own, and refused in one line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from oresort import evaluate, report
from oresort import train as verb
from oresort.learn import fitting
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.longer import LONGER, place_of
from oresort.learn.record import read_row
from oresort.learn.run import identity
from oresort.learn.schedule import build_optimizer, rates_ahead
from oresort.sorting import METRICS

Compose = Callable[..., TrainConfig]
FLAT = ("schedule=constant", "schedule.warmup=0")


def last_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return found


def differing(one: Any, other: Any, name: str = "") -> list[str]:
    """Return where two nested contents differ, tensors to the bit."""
    if isinstance(one, dict):
        keys = one.keys() | other.keys()
        return [found for key in keys for found in differing(one.get(key), other.get(key), f"{name}.{key}")]
    if isinstance(one, list | tuple):
        return [
            found for i, (a, b) in enumerate(zip(one, other, strict=True)) for found in differing(a, b, f"{name}.{i}")
        ]
    same = torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    return [] if same else [name]


@pytest.fixture(scope="module")
def two(dataset: Path, compose_train: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs by a constant rate, with an average of the weights."""
    folder = tmp_path_factory.mktemp("longer") / "two"
    train(compose_train(f"data.root={dataset}", *FLAT, "trainer.max_epochs=2", "callbacks=[ema,every_epochs]"), folder)
    return folder


@pytest.fixture(scope="module")
def four(dataset: Path, compose_train: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four epochs at once."""
    folder = tmp_path_factory.mktemp("longer") / "four"
    train(compose_train(f"data.root={dataset}", *FLAT, "trainer.max_epochs=4", "callbacks=[ema,every_epochs]"), folder)
    return folder


def test_two_epochs_and_two_are_four_to_the_bit_under_a_constant_rate(
    two: Path, four: Path, command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = {file: file.read_bytes() for file in two.rglob("*") if file.is_file()}
    monkeypatch.chdir(two.parent)
    code, out, err = command(verb, f"resume={two.name}", "trainer.max_epochs=4", f"out={tmp_path / 'longer'}")
    assert code == 0, err
    assert f"goes on after 2 epochs of {two.name}" in err
    assert "warning" not in err
    assert "the learning rate stays 0.0003" in err
    assert "of 4 epochs" in out
    longer, whole = last_of(tmp_path / "longer"), last_of(four)
    for part in ("state_dict", "current_model_state", "optimizer_states", "lr_schedulers"):
        assert differing(longer[part], whole[part], part) == []
    rows = [read_row(run / "metrics.json") for run in (tmp_path / "longer", four)]
    assert [rows[0][f"test/{name}"] for name in METRICS] == [rows[1][f"test/{name}"] for name in METRICS]
    assert rows[0]["fit_seconds"] > read_row(two / "metrics.json")["fit_seconds"] > 0  # of both parts
    pd.testing.assert_frame_equal(*(pd.read_csv(run / "metrics.csv") for run in (tmp_path / "longer", four)))
    assert before == {file: file.read_bytes() for file in two.rglob("*") if file.is_file()}  # as it was


@pytest.mark.filterwarnings("ignore:Detected call of")  # of a schedule without steps
def test_a_schedule_is_that_of_all_epochs_from_there_on(
    trained: Path, compose_train: Compose, command: Any, tmp_path: Path
):
    words = (f"resume={trained}", "trainer.max_epochs=5", f"out={tmp_path / 'longer'}")
    code, _, err = command(verb, *words)
    assert code == 0, err
    rates = pd.read_csv(tmp_path / "longer" / "metrics.csv")["lr"]
    whole = pd.read_csv(trained / "metrics.csv")["lr"]
    assert rates[:3].tolist() == whole.tolist()  # as it was
    each = last_of(trained)["global_step"] // 3
    planned = compose_train("trainer.max_epochs=5")
    optimizer, scheduler = build_optimizer(
        planned.optim, planned.schedule, [torch.nn.Parameter(torch.ones(1))], 5 * each
    )
    ahead = [rate for (rate,) in rates_ahead(optimizer, scheduler, 5 * each)] + [optimizer.param_groups[0]["lr"]]
    assert rates[3:].tolist() == pytest.approx([ahead[4 * each], ahead[5 * each]], rel=1e-6)  # logged as float32
    line = next(line for line in err.splitlines() if "goes on after" in line)
    assert "the schedule (Cosine) goes on as in a run of 5 epochs: the learning rate was 3e-06 and is now" in line
    row = read_row(tmp_path / "longer" / "metrics.json")
    assert row["goes_on"] in line
    assert (row["config.stretches"], row["config.resume"], row["epochs"]) == ("[3, 5]", str(trained), 5)
    note = json.loads((tmp_path / "longer" / LONGER).read_text())
    assert (note["run"], note["epoch"]) == (str(trained), 3)

    # the same command again finds it finished; with other epochs its folder is another run's
    code, _, err = command(verb, *words)
    assert (code, "finished earlier, in" in err) == (0, True)
    code, _, err = command(verb, f"resume={trained}", "trainer.max_epochs=6", f"out={tmp_path / 'longer'}")
    assert (code, "another configuration (stretches" in err) == (1, True)


def test_a_longer_run_is_none_that_was_planned_for_as_many(trained: Path, compose_train: Compose, tmp_path: Path):
    planned = compose_train("data.root=d", "trainer.max_epochs=5")
    longer = compose_train("data.root=d", "trainer.max_epochs=5", f"resume={trained}", "stretches=[3,5]")
    assert identity(asdict(planned), "p") != identity(asdict(longer), "p")


def test_reports_tell_its_parts(trained: Path, command: Any, tmp_path: Path):
    shutil.copytree(trained, tmp_path / "run")
    code, _, err = command(verb, f"resume={tmp_path / 'run'}", "trainer.max_epochs=4")
    assert code == 0, err
    assert (tmp_path / "run-4-epochs" / "metrics.json").is_file()  # beside it
    code, out, err = command(report, f"runs={tmp_path}", "columns=[n,epochs,auroc]")
    assert code == 0, err
    assert "stretches [3, 4]" in out
    assert "3 + 1" in out
    table = pd.read_csv(tmp_path / "report.csv")
    assert sorted(table["epochs"]) == ["3", "3 + 1"]
    shutil.rmtree(tmp_path / "run")
    code, out, _ = command(report, f"runs={tmp_path}", "columns=[n,epochs,auroc]")  # alone, too
    assert "3 + 1" in out
    # and once more: of its own last epoch
    code, _, err = command(verb, f"resume={tmp_path / 'run-4-epochs'}", "trainer.max_epochs=5")
    assert code == 0, err
    assert read_row(tmp_path / "run-5-epochs" / "metrics.json")["config.stretches"] == "[3, 4, 5]"
    code, out, _ = command(
        evaluate,
        f"ckpt={tmp_path / 'run-5-epochs'}",
        f"data.root={read_row(trained / 'metrics.json')['config.data.root']}",
    )
    assert code == 0


def test_the_best_epoch_may_be_an_earlier_ones(trained: Path, command: Any, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    content = last_of(run)
    state = next(s for name, s in content["callbacks"].items() if "ModelCheckpoint" in name and s["monitor"])
    state["best_model_score"] = torch.tensor(2.0)  # no epoch is better
    state["best_k_models"] = dict.fromkeys(state["best_k_models"], torch.tensor(2.0))
    state["kth_value"] = torch.tensor(2.0)
    torch.save(content, run / "checkpoints" / "last.ckpt")
    code, _, err = command(verb, f"resume={run}", "trainer.max_epochs=4")
    assert code == 0, err
    best = load_trained(tmp_path / "run-4-epochs" / "checkpoints" / "best.ckpt")
    own = load_trained(run / "checkpoints" / "best.ckpt")
    assert best.epoch == own.epoch == read_row(tmp_path / "run-4-epochs" / "metrics.json")["epoch"]
    assert differing(best.module.state_dict(), own.module.state_dict()) == []


def test_a_killed_longer_run_goes_on_to_the_same_end(
    two: Path, four: Path, command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = (f"resume={two}", "trainer.max_epochs=4", f"out={tmp_path / 'longer'}")
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "make_trainer", lambda *_: 1 / 0)  # killed when its folder stands
        with pytest.raises(ZeroDivisionError):
            command(verb, *words)
    assert (tmp_path / "longer" / "checkpoints" / "last.ckpt").is_file()
    code, _, err = command(verb, f"resume={tmp_path / 'longer'}")
    assert code == 0, err
    assert differing(last_of(tmp_path / "longer")["state_dict"], last_of(four)["state_dict"]) == []
    code, _, err = command(verb, *words)
    assert (code, "finished earlier, in" in err) == (0, True)


REFUSED = {
    "fewer": ("3", "that run has 3 epochs; give more, or weights="),
    "none": ("0", "give a whole number of at least 1"),
    "no number": ("many", "give a whole number of at least 1"),
    "null": ("null", "give a whole number of at least 1"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_no_more_epochs_are_refused(kind: str, trained: Path, command: Any):
    epochs, says = REFUSED[kind]
    code, _, err = command(verb, f"resume={trained}", f"trainer.max_epochs={epochs}")
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (code, len(lines)) == (1, 1)
    assert says in lines[0]
    assert f"resume={trained} trainer.max_epochs={epochs}" in lines[0]
    assert not list(trained.parent.glob("run-*"))


def edited(run: Path, copy: Path, **changes: Any) -> Path:
    shutil.copytree(run, copy)
    (copy / "metrics.json").write_text(json.dumps(read_row(run / "metrics.json") | changes))
    return copy


def test_what_has_no_more_epochs_is_refused(trained: Path, command: Any, tmp_path: Path):
    def says(run: Path, *words: str) -> str:
        code, _, err = command(verb, f"resume={run}", "trainer.max_epochs=6", *words)
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert (code, len(lines)) == (1, 1), err
        assert not [folder for folder in tmp_path.iterdir() if folder.name.endswith("epochs")]
        return lines[0]

    assert "is not finished; end it by" in says(edited(trained, tmp_path / "a", status="interrupted"))
    assert "ended after 2 of 3 epochs (early stopping" in says(edited(trained, tmp_path / "b", epochs=2))
    assert "leave out optim.lr=1" in says(trained, "optim.lr=1")
    assert "leave out seed=2" in says(trained, "seed=2")
    assert "leave out at_once=[1,2]" in says(trained, "at_once=[1,2]")
    assert "the data are not those of that run" in says(edited(trained, tmp_path / "c", data="0"))
    missing = edited(trained, tmp_path / "d")
    (missing / "checkpoints" / "best.ckpt").unlink()
    assert "best.ckpt: is not there" in says(missing)
    stopped, content = edited(trained, tmp_path / "e"), last_of(trained)
    content["callbacks"]["EarlyStopping"] = {"stopped_epoch": 2}
    torch.save(content, stopped / "checkpoints" / "last.ckpt")
    assert "(early stopping, or a limit" in says(stopped)
    limited = edited(trained, tmp_path / "f")
    text = (limited / "config.yaml").read_text().replace("trainer:\n", "trainer:\n  max_steps: 500\n")
    (limited / "config.yaml").write_text(text)
    assert "max_steps=500 of that run ends this one" in says(limited)


def test_a_sweep_and_seeds_at_once_go_on_by_their_own_command(trained: Path, command: Any):
    code, _, err = command(verb, "-m", f"resume={trained}", "trainer.max_epochs=4,5")
    assert (code, "goes on with one run; leave out -m" in err) == (1, True)
    code, _, err = command(verb, f"resume={trained}", "at_once=[1,2]")
    assert (code, "leave out at_once=[1,2]" in err) == (1, True)


def test_parts_that_nobody_trained_are_refused(command: Any, dataset: Path, tmp_path: Path):
    code, _, err = command(verb, f"data.root={dataset}", f"out={tmp_path / 'x'}", "stretches=[2,4]")
    assert (code, "is noted by resume=RUN" in err) == (1, True)


def test_its_place_is_beside_the_first_of_its_parts(compose_train: Compose):
    cfg = compose_train("data.root=d")
    cfg.stretches = [2, 4]
    assert place_of(Path("runs/a"), cfg) == Path("runs/a-4-epochs")
    assert place_of(Path("runs/a-2-epochs"), cfg) == Path("runs/a-2-epochs-4-epochs")  # that is its own name
    assert place_of(Path(), cfg) == Path.cwd().with_name(f"{Path.cwd().name}-4-epochs")
    cfg.stretches = [2, 4, 6]
    assert place_of(Path("runs/a-4-epochs"), cfg) == Path("runs/a-6-epochs")
