"""Steps in blocks: the same weights as one by one, also of a resumed run and where a step is recorded and repeated."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from kill import Killed
from torch import Tensor

from oresort.data.pairs import check_room
from oresort.errors import InputError
from oresort.learn import module as modules
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.graph import RefusedError, Work, recorded
from oresort.learn.module import OreModule
from oresort.learn.options import check_options, precision_of

Compose = Callable[..., TrainConfig]
RUN = ("data.resident=true", "data.batch_size=8", "trainer.max_epochs=2", "optim.lr=1e-2")
TERMS = ("objective.energy_dropout=0.3", "objective.auxiliary=0.5", "objective.balance=0.5")
KINDS = {
    "terms, clipped": (*TERMS, "trainer.gradient_clip_val=0.1"),
    "lite's": ("optim=muon", "schedule=onecycle", "callbacks=[ema]", "callbacks.ema.batches=3"),
    "bfloat16, clipped by value": (
        "trainer.precision=bf16-mixed", "trainer.gradient_clip_val=0.01", "+trainer.gradient_clip_algorithm=value",
    ),
    "fewer batches": ("optim=sgd", "trainer.limit_train_batches=3"),
}  # fmt: skip


class Plain:
    """Stands for a recorder: repeats the work by doing it."""

    def aside(self, work: Work) -> None:
        work()

    def __call__(self, work: Work, generators: Sequence[torch.Generator]) -> Work:
        return work


def state_of(folder: Path) -> dict[str, Tensor]:
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    state: dict[str, Tensor] = checkpoint["state_dict"] | checkpoint.get("current_model_state", {})
    numbers = {"steps": checkpoint["global_step"], "epoch": checkpoint["epoch"], **checkpoint["figures"]}
    return state | {name: torch.tensor(value) for name, value in numbers.items()}


def unlike(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_single_steps_to_the_bit(kind: str, dataset: Path, compose_train: Compose, tmp_path: Path):
    runs = {}
    for block in ("0", "3", "1000")[: 3 if kind == "lite's" else 2]:
        cfg = compose_train(f"data.root={dataset}", *RUN, *KINDS[kind], f"block={block}")
        assert train(cfg, tmp_path / block)["status"] == "finished"
        runs[block] = state_of(tmp_path / block)
    assert runs["0"]["steps"] == 2 * (3 if kind == "fewer batches" else 4)
    for run in runs.values():
        assert unlike(runs["0"], run) == []


def test_a_run_that_is_killed_between_blocks_goes_on_to_the_same_end(
    dataset: Path, compose_train: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cfg = compose_train(f"data.root={dataset}", *RUN, *KINDS["lite's"], *TERMS, "model/fusion=concat", "block=2")
    train(cfg, tmp_path / "whole")
    take = OreModule._take

    def dies(self: OreModule, block: Any) -> None:
        if self.global_step == 6:  # half of the second epoch
            raise Killed
        take(self, block)

    with monkeypatch.context() as patch:
        patch.setattr(OreModule, "_take", dies)
        with pytest.raises(Killed):
            train(cfg, tmp_path / "killed")
    assert state_of(tmp_path / "killed")["steps"] == 4
    train(cfg, tmp_path / "killed")
    assert unlike(state_of(tmp_path / "whole"), state_of(tmp_path / "killed")) == []


# which a GPU gets by itself; without turns, for which the host looks at a CPU's pairs
FUSED = ("+optim.fused=true", "+optim.capturable=true")
STILL = ("augment.flip=0", "augment.transpose=0")


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[Plain]:
    """Those that were made, in place of a GPU's."""
    made: list[Plain] = []

    def recorder(device: torch.device) -> Plain:
        made.append(Plain())
        return made[-1]

    monkeypatch.setattr(modules, "recorder", recorder)
    return made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*FUSED, *STILL), ""),
        ((*FUSED, *STILL, *TERMS, "callbacks=[ema]", "trainer.gradient_clip_val=0.1"), ""),
        (("optim=sgd", *STILL, "schedule=onecycle"), "note: SGD steps outside of the CUDA graph"),
        ((), "note: steps are taken one by one: a step waits for the host (aten::nonzero"),
    ],
)
def test_a_step_that_is_repeated_is_the_step(
    words: tuple[str, ...], said: str, dataset: Path, compose_train: Compose, tmp_path: Path,
    recorders: list[Plain], capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    words = (f"data.root={dataset}", *RUN, "trainer.max_epochs=3", *words)
    train(compose_train(*words, "block=0"), tmp_path / "single")
    assert not recorders
    capsys.readouterr()
    train(compose_train(*words, "block=3"), tmp_path / "repeated")
    assert len(recorders) == 1
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note")]
    assert [line[: len(said)] for line in notes] == ([said] if said else [])  # once
    single, repeated = state_of(tmp_path / "single"), state_of(tmp_path / "repeated")
    assert repeated["steps"] == single["steps"]
    for name in ("train/loss", "val/loss"):  # learning rates are float32 in a graph, from which all else drifts
        assert repeated[name].item() == pytest.approx(single[name].item(), rel=2e-3)


@pytest.fixture
def work() -> tuple[Work, dict[str, list[Tensor]], torch.Generator]:
    """A step of stochastic descent that counts."""
    weight, count, draw = torch.ones(5), torch.zeros(1, dtype=torch.int64), torch.Generator().manual_seed(1)

    def step() -> None:
        weight.sub_(0.1 * torch.rand(5, generator=draw))
        count.add_(1)

    return step, {"weights": [weight], "count": [count]}, draw


def test_recorded_work_is_done_once_and_goes_on(work: Any):
    step, state, draw = work
    repeat = recorded(step, state, list, [draw], Plain(), Plain().aside)
    repeat()
    expected = torch.Generator().manual_seed(1)
    steps = torch.stack([torch.rand(5, generator=expected) for _ in range(2)])
    torch.testing.assert_close(state["weights"][0], 1 - 0.1 * steps.sum(0))
    assert state["count"][0].item() == 2


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda step, state: None, "off by 1 "),
        (lambda step, state: (step(), step()), "off by "),
        (lambda step, state: (step(), state["weights"][0].mul_(torch.nan)), "not finite"),
        (lambda step, state: (step(), state["count"][0].add_(1)), "another count"),
    ],
)
def test_a_record_that_does_something_else_is_refused_and_leaves_nothing(work: Any, wrong: Any, why: str):
    step, state, draw = work
    drawn = draw.get_state()
    with pytest.raises(RefusedError, match=why):
        recorded(step, state, list, [draw], lambda work, _: lambda: wrong(work, state), Plain().aside)
    assert torch.equal(state["weights"][0], torch.ones(5))
    assert state["count"][0].item() == 0
    assert torch.equal(draw.get_state(), drawn)


def test_work_that_cannot_be_recorded_is_refused_by_its_reason(work: Any):
    step, state, draw = work

    def fails(work: Work, generators: Sequence[torch.Generator]) -> Work:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    with pytest.raises(RefusedError, match="not permitted when stream is capturing"):
        recorded(step, state, list, [draw], fails, Plain().aside)
    assert state["count"][0].item() == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("data.resident=false",), r"block=4: set data\.resident=true, or block=0"),
        (("data.batch_size=500",), r"data\.batch_size=500: more than the \d+ training pairs"),
        (("trainer.devices=2",), r"set trainer\.devices=1"),
        (("trainer.accumulate_grad_batches=2",), r"leave out trainer\.accumulate_grad_batches=2"),
        (("+trainer.max_steps=5",), r"leave out trainer\.max_steps=5"),
        (("trainer.precision=64-true",), r"set trainer\.precision"),
        (("callbacks=[lr_monitor]",), r"leave out callbacks=\[lr_monitor\], whose on_train_batch_start"),
        (("callbacks=[every_epochs]", "+callbacks.every_epochs.every_n_train_steps=2",
          "callbacks.every_epochs.every_n_epochs=null"), "every_n_train_steps"),
        (("trainer.limit_train_batches=0.01",), r"trainer\.limit_train_batches=0\.01: less than one"),
        (("schedule._target_=torch.optim.lr_scheduler.ReduceLROnPlateau", "~schedule.warmup", "~schedule.start",
          "~schedule.final"), "schedule that does not wait"),
    ],
)  # fmt: skip
def test_what_no_block_can_have_is_refused_in_one_line(
    words: tuple[str, ...], named: str, dataset: Path, compose_train: Compose, tmp_path: Path
):
    with pytest.raises(InputError, match=named) as refused:
        train(compose_train(f"data.root={dataset}", *RUN, "block=4", *words), tmp_path)
    assert "\n" not in str(refused.value)


def test_what_a_card_has_not_is_refused_or_left_out(compose_train: Compose, monkeypatch: pytest.MonkeyPatch):
    assert precision_of({"precision": "auto", "accelerator": "cpu"}) == "32-true"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    for has, found in ((True, "bf16-mixed"), (False, "32-true")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has: has)
        assert precision_of({"precision": "auto", "accelerator": "gpu"}) == found
    with pytest.raises(InputError, match=r"trainer\.precision=bf16-mixed: a card has no bfloat16"):
        check_options(compose_train("trainer=gpu", "trainer.precision=bf16-mixed"))
    check_options(compose_train("trainer=gpu"))
    with pytest.raises(InputError, match="compile=reduce-overhead"):
        compose_train("compile=reduce-overhead")


def test_pairs_that_a_card_has_no_room_for_are_refused_with_what_they_need():
    check_room(2**30, 2**31, "train")
    with pytest.raises(InputError, match=r"the train pairs take 2\.0 GiB, and the device has 2\.0 GiB free"):
        check_room(2**31, 2**31, "train")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: the graph itself is not tried")
@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_does_what_single_steps_do(
    kind: str, dataset: Path, compose_train: Compose, tmp_path: Path, capsys: Any
):
    words = (f"data.root={dataset}", "trainer=gpu", "trainer.precision=32-true", *RUN, *KINDS[kind])
    runs = []
    for block in ("0", "auto"):
        train(compose_train(*words, f"block={block}"), tmp_path / block)
        runs.append(state_of(tmp_path / block))
    assert "one by one" not in capsys.readouterr().err
    for name in ("train/loss", "val/loss", "val/auroc"):
        assert runs[1][name] == pytest.approx(runs[0][name].item(), abs=0.05)
