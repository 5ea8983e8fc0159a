"""Starts from weights: what is taken, what stays as it is, how fast each part learns, and what is refused."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from kill import killed_in
from safetensors.torch import save_file
from torch import nn

from oresort import compose
from oresort import train as verb
from oresort.data.index import index_pairs
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.files.record import read_yaml
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import RatesConfig, TrainConfig
from oresort.learn.fit import train
from oresort.learn.module import OreModule
from oresort.learn.options import check_options
from oresort.learn.run import identity
from oresort.learn.schedule import Constant, Cosine, OneCycle, Schedule, build_optimizer
from oresort.learn.start import PARTS, pinned, start_from
from oresort.make import make
from oresort.models.build import build_model
from oresort.represent.representation import Representation
from oresort.train import resumed

Compose = Callable[..., TrainConfig]
NET = "objective.net."


def state(folder: Path, which: str = "best") -> dict[str, torch.Tensor]:
    return load_trained(folder / "checkpoints" / f"{which}.ckpt").module.net.state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], part: str) -> set[bool]:
    """Whether the tensors of a part are equal to the bit: {True}, {False} or both."""
    return {torch.equal(a[key], b[key]) for key in a if key.startswith(f"{part}.")}


def started(cfg: TrainConfig) -> tuple[nn.Module, Any]:
    net = build_model({**asdict(cfg.model), "channels": 1})
    return net, start_from(pinned(cfg), net, make(cfg.representation, Representation))  # type: ignore[type-abstract]


def test_the_parts_are_those_of_every_model(compose_train: Compose):
    net = build_model(asdict(compose_train().model))
    assert tuple(name for name, _ in net.named_children()) == PARTS == tuple(asdict(RatesConfig()))


def test_all_is_taken_from_a_run_of_the_same_model(trained: Path, compose_train: Compose):
    cfg = compose_train(f"weights={trained}")
    net, told = started(cfg)
    before = state(trained)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert {name: shape for part in told.taken.values() for name, shape in part.items()} == {
        key: list(value.shape) for key, value in before.items()
    }
    assert (list(told.taken), told.left, told.notes) == (["towers", "heads"], {}, [])  # this fusion has no weights
    (line,) = told.lines("FILE")
    numbers = sum(value.numel() for key, value in before.items() if key.startswith("towers."))
    assert line.startswith(
        f"weights=FILE: taken towers ({len(told.taken['towers'])} tensors, {numbers:,} numbers), heads ("
    )


@pytest.mark.parametrize(
    ("words", "left", "why"),
    [
        (["model/head=mlp"], ["heads"], "heads anew (KAN there, MLP here)"),
        (["model.head.widths=[6]"], ["heads"], r"is \(\d+, 4\) there, \(\d+, 6\) here"),
        (["model/fusion=sum"], ["fusion", "heads"], r"fusion anew \(Hybrid there, Sum here\)"),
    ],
)
def test_the_towers_alone_are_taken_where_other_parts_differ(
    trained: Path, compose_train: Compose, words: list[str], left: list[str], why: str
):
    small = ["model.tower.widths=[4,8,8]", "model.tower.squeeze=2", "representation.size=16"]
    cfg = compose_train(*small, *words, f"weights={trained}", small=False)
    net, told = started(cfg)
    assert same(net.state_dict(), state(trained), "towers") == {True}
    assert (list(told.taken), list(told.left)) == (["towers"], left)
    assert re.search(why.replace("(KAN there, MLP here)", r"\(KAN there, MLP here\)"), told.lines("x")[1])


def test_a_setting_that_fits_all_the_same_is_named(trained: Path, compose_train: Compose):
    _, told = started(compose_train("model.head.sparsity=0.5", f"weights={trained}"))
    assert told.notes == ["taken though model.head.sparsity was 0.0 there and is 0.5 here"]
    assert "sparsity" in told.lines("x")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.tower.widths=[4,8,4]"], "nothing fits: towers.0.stages.2.body.0.weight is (8, 8, 3, 3) there, (4, 8"),
        (["model/tower=compact"], "nothing fits: PaperTower there, CompactTower here"),
        (["model/fusion=stack", "model.share=true"], "nothing fits: towers.0.stages.0.0.weight is (4, 1, 7, 7) there"),
        (["model.share=true"], "nothing fits: towers.1"),
        (["representation=standardized"], "choose the same representation="),
        (["representation.size=24"], "choose the same representation="),
        (["representation.geometry=canvas"], "choose the same representation="),
        (["model/head=linear", "freeze=[heads]"], "freeze=heads: was not taken from"),
    ],
)
def test_what_does_not_fit_is_refused(trained: Path, compose_train: Compose, words: list[str], said: str):
    small = ["model.tower.widths=[4,8,8]", "model.tower.squeeze=2", "representation.size=16"]
    if "model/tower=compact" in words:
        small = small[2:]
    cfg = compose_train(*small, *words, f"weights={trained}", small=False)
    with pytest.raises(InputError) as caught:
        started(cfg)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_spec_of_the_same_planes_is_allowed(trained: Path, compose_train: Compose):
    net, _ = started(compose_train("representation.extent=200", f"weights={trained}"))  # resize knows no extent
    assert same(net.state_dict(), state(trained), "towers") == {True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["freeze=[towers]"], "freeze=towers: would stay as it was drawn; give weights=FILE"),
        (["weights=x", "freeze=[tower]"], "freeze=tower: no such part of a model; known are towers, fusion, heads"),
        (["weights_hash=ab"], "weights_hash=ab: of no file"),
        (["rates.towers=0"], "rates.towers=0"),
        (["rates.tower=0.1"], "rates.tower: no such key; did you mean rates.towers?"),
        (["weights=nowhere"], "nowhere: No such file"),
    ],
)
def test_bad_words_are_one_line(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any, words: list[str], said: str
):
    monkeypatch.chdir(tmp_path)
    code, _, err = command(verb, f"data.root={dataset}", f"out={tmp_path / 'run'}", *words)
    assert (code, said in err, err.count("error: ")) == (1, True, 1), err
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_such_weights_are_named(trained: Path, compose_train: Compose, tmp_path: Path):
    whole = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    file = tmp_path / "w.ckpt"

    def refused(content: object, said: str, **changed: Any) -> None:
        torch.save({**content, **changed} if isinstance(content, dict) else content, file)
        with pytest.raises(InputError, match=said) as caught:
            started(compose_train(f"weights={file}"))
        assert str(file) in str(caught.value)

    weights = whole["state_dict"]
    broken = {**weights, f"{NET}heads.0.layers.0.coefficients": weights[f"{NET}heads.0.layers.0.coefficients"] / 0}
    refused(whole, "heads.0.layers.0.coefficients holds values that are not finite", state_dict=broken)
    refused(whole, "is no tensor", state_dict={**weights, f"{NET}towers.0.x": 3})
    refused(whole, "nothing fits", state_dict={})
    refused({"towers.0.weight": torch.zeros(1)}, "another program.*oresort.import_weights first")
    refused([1], "another program")
    refused(whole, "trained_on is no list of hashes", trained_on=[1])
    refused(whole, "does not say of what model", hyper_parameters={"model": 3})
    settings = whole["hyper_parameters"]
    refused(whole, "os.system", hyper_parameters={**settings, "representation": {"_target_": "os.system"}})
    torch.save(build_model(asdict(compose_train().model)), file)  # a pickled module is code
    with pytest.raises(InputError, match="loads safely"):
        started(compose_train(f"weights={file}"))
    cfg = pinned(compose_train(f"weights={trained}"))
    cfg.weights = str(trained / "checkpoints" / "last.ckpt")
    with pytest.raises(InputError, match=r"its hash is \w{64}, weights_hash=\w{64}; give that file"):
        started(cfg)


def test_other_weights_are_another_run_and_their_place_is_not(trained: Path, compose_train: Compose, tmp_path: Path):
    copy = tmp_path / "copy.ckpt"
    copy.write_bytes((trained / "checkpoints" / "best.ckpt").read_bytes())
    known = [
        identity(asdict(pinned(compose_train(*words))), "pairs")
        for words in ((f"weights={trained}",), (f"weights={copy}",), (f"weights={trained}/checkpoints/last.ckpt",), ())
    ]
    assert known[0] == known[1]
    assert len({flat["weights_hash"] for flat in known}) == 3
    assert all("weights" not in flat for flat in known)


FEW = ("data.batch_size=8", "optim.lr=1e-2", "trainer.max_epochs=3")


@pytest.mark.parametrize("more", [(), ("callbacks=ema",)])
def test_frozen_parts_stay_to_the_bit_and_others_learn(
    trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path, more: tuple[str, ...], capsys: Any
):
    words = (f"data.root={dataset}", f"weights={trained}", "freeze=[towers]", "model/head=kan2", *FEW, *more)
    row = train(compose_train(*words), tmp_path)
    before, after = state(trained), state(tmp_path, "last")
    assert sum("running_mean" in key for key in before) > 2
    assert same(before, after, "towers") == {True}
    assert not torch.equal(before["heads.0.layers.0.coefficients"], after["heads.0.layers.0.coefficients"])
    assert row["params"] == sum(p.numel() for p in load_trained(tmp_path).module.net.parameters())
    assert row["taken"] == "towers, heads"
    note = json.loads((tmp_path / "start.json").read_text())
    assert note["hash"] == row["config.weights_hash"]
    assert note["taken"]["towers"]["towers.0.stages.0.0.weight"] == [4, 1, 7, 7]
    assert f"weights={trained}: taken towers (" in capsys.readouterr().err


def test_without_freezing_everything_learns_from_where_it_was(
    trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path
):
    cfg = compose_train(f"data.root={dataset}", f"weights={trained}", "optim.lr=1e-30")
    train(cfg, tmp_path / "still")
    floats = [k for k in state(trained) if "running" not in k and "num_batches" not in k]
    before, after = state(trained), state(tmp_path / "still")
    assert [k for k in floats if not torch.equal(before[k], after[k])] == []
    train(compose_train(f"data.root={dataset}", f"weights={trained}", "optim.lr=1e-2"), tmp_path / "moved")
    assert same(before, state(tmp_path / "moved"), "towers") != {True}


def test_a_killed_run_goes_on_without_its_weights(
    trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path, command: Any
):
    file = tmp_path / "w.ckpt"
    file.write_bytes((trained / "checkpoints" / "best.ckpt").read_bytes())
    cfg = compose_train(f"data.root={dataset}", f"weights={file}", "freeze=[towers]", "rates.heads=0.5", *FEW)
    whole = train(cfg, tmp_path / "whole")
    killed_in(2, cfg, tmp_path / "killed")
    file.unlink()
    stored = resumed(tmp_path / "killed", TrainConfig)
    assert stored.weights_hash == read_yaml(tmp_path / "whole" / "config.yaml")["weights_hash"]
    code, _, err = command(verb, f"resume={tmp_path / 'killed'}")
    assert code == 0, err
    row = json.loads((tmp_path / "killed" / "metrics.json").read_text())
    assert (row["test/brier"], row["taken"]) == (whole["test/brier"], "towers, heads")
    ends = [state(tmp_path / name, "last") for name in ("whole", "killed")]
    assert [key for key in ends[0] if not torch.equal(ends[0][key], ends[1][key])] == []


def module(compose_train: Compose, *words: str, **settings: Any) -> OreModule:
    cfg = compose_train(*words)
    return OreModule({**asdict(cfg.model), "channels": 1}, cfg.representation, cfg.optim, cfg.schedule, **settings)


def test_each_part_has_its_own_rate(compose_train: Compose):
    rates = {"towers": 0.1, "fusion": 1.0, "heads": 2.0}
    made = module(compose_train, "model/fusion=weighted", rates=rates, objective={
        "_target_": "oresort.learn.objective.Objective", "auxiliary": 0.5,
    })  # fmt: skip
    optimizer, scheduler = build_optimizer({"_target_": "torch.optim.AdamW", "lr": 1e-2}, {
        "_target_": "oresort.learn.schedule.Cosine", "warmup": 0.0, "final": 0.1,
    }, made.groups(), 10)  # fmt: skip
    part_of = {id(p): name.partition(".")[0] for name, p in made.net.named_parameters()}
    found = {part_of.get(id(p), "objective"): g["lr"] for g in optimizer.param_groups for p in g["params"]}
    assert found == pytest.approx({"heads": 2e-2, "fusion": 1e-2, "objective": 1e-2, "towers": 1e-3})
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(made.objective.parameters()))
    for _ in range(10):
        optimizer.step()
        scheduler.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([2e-3, 1e-3, 1e-4])  # each falls by its own share


@pytest.mark.parametrize("schedule", [Cosine(), OneCycle(), Constant()])
def test_every_schedule_keeps_the_factors(schedule: Schedule):
    def run(groups: Any) -> list[list[float]]:
        optimizer = torch.optim.SGD(groups, lr=1.0)
        for group in optimizer.param_groups:
            group["lr"] *= group.get("rate", 1.0)
        scheduler, found = schedule.build(optimizer, 60), []
        for _ in range(60):
            found.append([group["lr"] for group in optimizer.param_groups])
            optimizer.step()
            scheduler.step()
        return found

    weights = [nn.Parameter(torch.zeros(1)) for _ in range(3)]
    several = run([{"params": [weights[0]], "rate": 1.0}, {"params": [weights[1]], "rate": 0.01}])
    (alone,) = zip(*run([weights[2]]), strict=True)
    assert [pair[0] for pair in several] == pytest.approx(list(alone), rel=1e-9)
    assert [pair[1] for pair in several] == pytest.approx([0.01 * rate for rate in alone], rel=1e-9)


@pytest.mark.parametrize("optim", ["adamw", "sgd", "muon"])
def test_a_part_of_a_small_rate_moves_less(compose_train: Compose, optim: str):
    cfg = compose_train(f"optim={optim}", "optim.lr=1e-3")
    made = module(compose_train, rates={"towers": 1e-3, "fusion": 1.0, "heads": 1.0})
    optimizer, _ = build_optimizer(cfg.optim, cfg.schedule, made.groups(), 10)
    before = {key: value.clone() for key, value in made.net.named_parameters()}
    low, high = torch.randn(2, 8, 1, 16, 16)
    made.net(low, high)[:, 0].square().sum().backward()
    optimizer.step()
    moved = {key: (value - before[key]).abs().max().item() for key, value in made.net.named_parameters()}
    assert max(v for k, v in moved.items() if k.startswith("towers")) < 1e-2 * max(
        v for k, v in moved.items() if k.startswith("heads")
    )


def test_nothing_left_to_train_is_refused(compose_train: Compose):
    with pytest.raises(InputError, match="freeze=towers,heads: leaves no weight"):
        module(compose_train, freeze=["towers", "heads"])
    made = module(compose_train, freeze=["towers"])
    made.train()
    assert [m.training for m in (made.net.towers, made.net.towers[0].stages[0], made.net.heads)] == [False, False, True]


def test_rates_of_one_leave_the_optimiser_as_it_was(compose_train: Compose):
    groups = module(compose_train, rates=asdict(RatesConfig())).groups()
    assert all(isinstance(parameter, nn.Parameter) for parameter in groups)


def test_the_start_is_checked_before_the_pairs(compose_train: Compose):
    with pytest.raises(InputError, match="freeze=head"):
        check_options(compose_train("data.root=nowhere", "weights=x", "freeze=[head]", small=False))


@pytest.mark.filterwarnings("default::oresort.data.leaks.DatasetWarning")
def test_weights_that_have_seen_the_test_are_leakage(
    trained: Path, dataset: Path, compose_train: Compose, tmp_path: Path
):
    words = (f"data.root={dataset}", f"weights={trained}", "trainer.max_epochs=2")
    clean = train(compose_train(*words), tmp_path / "clean")
    assert clean["leaking_images"] == 0
    other = compose_train(*words, "data.split_seed=1")  # another draw of the split
    with pytest.warns(UserWarning, match=r"leakage: the weights were trained on \d+ pairs of its val and test"):
        row = train(other, tmp_path / "other")
    sides = [index_pairs(PairsConfig(root=str(dataset), split_seed=seed)).set_index("id")["split"] for seed in (0, 1)]
    seen = int(((sides[0] == "train") & (sides[1] != "train")).sum())
    assert row["leaking_images"] == seen > 0
    # it is known of weights of weights as well, and of a run that goes on
    with pytest.warns(UserWarning, match="the weights were trained on"):
        again = train(compose_train(words[0], f"weights={tmp_path / 'other'}"), tmp_path / "again")
    back = int(((sides[1] == "train") & (sides[0] != "train")).sum())
    assert again["leaking_images"] == back
    with pytest.warns(UserWarning, match="the weights were trained on"):
        killed_in(1, other, tmp_path / "killed")
    with pytest.warns(UserWarning, match="the weights were trained on"):
        row = train(other, tmp_path / "killed")
    assert row["leaking_images"] == seen
    other.data.strict = True
    with pytest.raises(InputError, match="leakage: the weights were trained on"):
        train(other, tmp_path / "strict")


TIMM = "data.root=x", "model/tower=timm", "model.tower.name=resnet18", "model.tower.size=32", "model/head=linear"


@pytest.mark.parametrize("kind", ["pth", "safetensors", "wrapped"])
@pytest.mark.parametrize(("fusion", "towers"), [("concat", 2), ("stack", 1)])
def test_a_network_that_timm_published_becomes_every_tower(tmp_path: Path, kind: str, fusion: str, towers: int):
    network = timm.create_model("resnet18").state_dict()  # of three channels and a thousand classes
    file = tmp_path / f"network.{kind}"
    if kind == "safetensors":
        save_file(network, file)
    else:
        torch.save({"state_dict": network} if kind == "wrapped" else network, file)
    net, told = started(compose("train", f"weights={file}", *TIMM, f"model/fusion={fusion}", "freeze=[towers]"))
    own = net.state_dict()
    assert len(net.towers) == towers
    for number in range(towers):
        place = f"towers.{number}.stages.0.network."
        for name, value in network.items():
            if name.startswith("fc."):
                assert place + name not in own
            elif name == "conv1.weight":
                # of one channel the sum over colours; of two, those of two colours, so that what comes out is as large
                expected = value.sum(dim=1, keepdim=True) if towers == 2 else value[:, :2] * 1.5
                torch.testing.assert_close(own[place + name], expected)
            else:
                torch.testing.assert_close(own[place + name], value, rtol=0, atol=0)
    assert list(told.taken) == ["towers"]
    assert list(told.left) == ["fusion", "heads"]
    assert "nobody knows" in told.lines("FILE")[1]


def test_another_network_is_refused_by_name(tmp_path: Path):
    file = tmp_path / "network.pth"

    def refused(content: object, said: str, *words: str) -> None:
        torch.save(content, file)
        with pytest.raises(InputError, match=said) as caught:
            started(compose("train", f"weights={file}", *(words or TIMM)))
        assert str(file) in str(caught.value)

    network = timm.create_model("resnet18").state_dict()
    refused(timm.create_model("resnet10t").state_dict(), "no(t all)? .*resnet18")
    refused(timm.create_model("resnet34").state_dict(), "216 tensors, resnet18 has 120")
    refused({}, "another program")
    refused({**network, "layer1.0.conv1.weight": network["layer1.0.conv1.weight"] / 0}, "not finite")
    refused(
        {key: value for key, value in network.items() if not key.startswith("layer4.1")},
        "not all of resnet18, layer4.1",
    )
    refused(network, "freeze=heads: was not taken", *TIMM, "freeze=[heads]")
    refused(network, "another program", "data.root=x", "model/tower=compact")
    damaged = tmp_path / "network.safetensors"
    damaged.write_bytes(b"\xff" * 100)
    with pytest.raises(InputError, match=r"network\.safetensors: damaged"):
        started(compose("train", f"weights={damaged}", *TIMM))
