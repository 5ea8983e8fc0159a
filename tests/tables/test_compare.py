"""Models on the same pairs: what is told of them, what is refused, what is left out by name."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from oresort import compare as verb
from oresort.errors import InputError
from oresort.learn.metrics import binary_metrics
from oresort.tables.answers import Answers, Source, answers_of
from oresort.tables.bootstrap import COMPARABLE, Run, paired_difference
from oresort.tables.compare import compare
from oresort.tables.compare_text import compare_figure, figures_text, judged_text


def answers(name: str, signal: float = 1.0, scans: int = 24, threshold: float = 0.5, note: str = "") -> Answers:
    rng = np.random.default_rng(0)
    ore = rng.random(10 * scans) < 0.6
    noise = np.random.default_rng(len(name)).standard_normal(len(ore))
    frame = pd.DataFrame(
        {
            "id": [f"p{i:03d}" for i in range(len(ore))],
            "scan": [f"s{i // 10}" for i in range(len(ore))],
            "label": np.where(ore, "ore", "waste"),
            "p_ore": 1 / (1 + np.exp(-signal * (2.0 * ore - 1) - noise)),
            "images": [f"{i:016x}" for i in range(len(ore))],
        }
    )
    return Answers(name, Run(frame, threshold), name, note)


def changed(one: Answers, **cells: object) -> Answers:
    table = one.run.predictions.copy()
    for column, value in cells.items():
        table.loc[3, column] = value
    return one._replace(run=Run(table, one.run.threshold))


def write(folder: Path, one: Answers, split: str = "test", **evaluation: object) -> Path:
    folder.mkdir(parents=True)
    one.run.predictions.assign(split=split).to_csv(folder / "predictions.csv", index=False)
    (folder / "evaluation.json").write_text(json.dumps({"threshold": one.run.threshold, **evaluation}))
    return folder


def test_figures_are_those_of_each_model_and_differences_those_of_the_paired_bootstrap():
    first, second = answers("a"), answers("bb", 1.6, threshold=0.4)
    shuffled = second._replace(run=Run(second.run.predictions.sample(frac=1, random_state=1), 0.4))
    found = compare([first, shuffled], 200)
    for one in (first, second):
        table = one.run.predictions
        whole = binary_metrics(
            torch.tensor(table["p_ore"].to_numpy()), torch.tensor((table["label"] == "ore").to_numpy(int)),
            one.run.threshold,
        )  # fmt: skip
        mine = found.figures[found.figures["model"] == one.name].set_index("metric")
        whole["specificity"] = 2 * whole["balanced_accuracy"] - whole["recall"]
        whole["kept"] = float((table["p_ore"] >= one.run.threshold).mean())
        for metric in COMPARABLE:
            assert mine["value"][metric] == pytest.approx(whole[metric], abs=1e-6)
    for metric in COMPARABLE:
        expected = paired_difference([second.run], [first.run], metric, 200)
        row = found.figures[(found.figures["model"] == "bb") & (found.figures["metric"] == metric)].iloc[0]
        assert (row["difference"], row["low"], row["high"]) == pytest.approx(expected)
    tests = found.tests.set_index("model")
    assert tests["delong_difference"]["bb"] == pytest.approx(tests["auroc"]["bb"] - tests["auroc"]["a"])
    right = [(a.run.predictions["p_ore"] >= a.run.threshold) == (a.run.predictions["label"] == "ore") for a in
             (second, first)]  # fmt: skip
    assert tests["right_alone"]["bb"] == (right[0] & ~right[1]).sum()
    assert (found.pairs, found.scans, found.notes) == (240, 24, ())


def test_a_model_differs_from_itself_by_nothing():
    found = compare([answers("a"), answers("a")._replace(name="b")], 50)
    others = found.figures[found.figures["model"] == "b"]
    assert (others[["difference", "low", "high"]] == 0).to_numpy().all()
    assert found.tests["delong_p"][1] == found.tests["mcnemar_p"][1] == 1


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([], "two or more"),
        ([answers("a")], "stands there twice"),
        ([changed(answers("b"), label="ore"), changed(answers("c"), label="waste")], "1 pairs have another label"),
        ([changed(answers("b"), scan="elsewhere")], "1 pairs have another scan, id 'p003'"),
        ([changed(answers("b"), id="new")], "on the 239 pairs of all by common=true"),
        ([answers("b", scans=23)], "on the 230 pairs of all by common=true"),
    ],
)
def test_what_cannot_be_compared_is_refused(others: list[Answers], words: str):
    with pytest.raises(InputError, match=words):
        compare([answers("a"), *others], 10)


def test_common_pairs_are_named_and_labels_of_those_still_have_to_agree():
    first, fewer = answers("a"), answers("bb", scans=23)
    found = compare([first, fewer], 10, common=True)
    assert found.pairs == 230
    assert found.notes == ("a: 230 of its 240 pairs, which all models answered",)
    with pytest.raises(InputError, match="another label"):
        compare([first, changed(fewer, label="waste"), changed(fewer, label="ore")._replace(name="c")], 10, common=True)
    nothing = first.run.predictions.assign(id=lambda table: "x" + table["id"])
    with pytest.raises(InputError, match="no pair that all of a, b answered"):
        compare([first, Answers("b", Run(nothing, 0.5), "b")], 10, common=True)


def test_what_is_undefined_is_left_out_and_said():
    one_scan = compare([answers("a", scans=1), answers("b", scans=1)], 100)
    assert one_scan.figures[["low", "high"]].isna().to_numpy().all()
    assert any("no interval over scans" in note for note in one_scan.notes)
    assert any("too narrow" in note for note in compare([answers("a", scans=5), answers("b", scans=5)], 10).notes)
    all_ore = [
        one._replace(run=Run(one.run.predictions.assign(label="ore"), 0.5)) for one in (answers("a"), answers("b"))
    ]
    found = compare(all_ore, 10)
    assert any("all pairs are ore" in note for note in found.notes)
    assert found.tests["delong_p"].isna().all()
    assert "-" in figures_text(found).iloc[0].tolist()
    compare_figure(found)


def test_several_models_are_said_to_be_several_tries_and_leaks_stay_named():
    found = compare([answers("a", note="leakage: 1 scan"), answers("bb"), answers("ccc")], 10)
    assert found.notes[0] == "a: leakage: 1 scan"
    assert "2 models are each compared" in found.notes[-1]
    assert list(judged_text(found)["model"]) == ["bb", "ccc"]


def test_the_command_reads_evaluations_and_writes_what_it_shows(command, tmp_path: Path):
    for name, signal in (("a", 1.0), ("b", 1.5)):
        write(tmp_path / name, answers(name * len(name), signal))
    out = tmp_path / "out"
    words = f"models=[{tmp_path / 'a'},{tmp_path / 'b' / 'predictions.csv'}]"
    code, shown, _ = command(verb, words, "resamples=50", f"out={out}")
    assert code == 0
    assert "p (McNemar, exact)" in shown
    record = json.loads((out / "comparison.json").read_text())
    assert (record["pairs"], record["scans"], record["tests"][0]["delong_p"]) == (240, 24, None)
    table = pd.read_csv(out / "comparison.csv")
    assert set(table["metric"]) == set(COMPARABLE)
    assert (out / "comparison.png").stat().st_size > 5000


def test_a_run_and_its_checkpoint_answer_alike(trained: Path, dataset: Path):
    own = answers_of(str(trained), "test", Source())
    asked = answers_of(str(trained), "test", Source(str(dataset)))
    ckpt = answers_of(str(trained / "checkpoints" / "best.ckpt"), "test", Source(str(dataset)))
    assert own.run.threshold == asked.run.threshold == ckpt.run.threshold
    found = compare([own, asked._replace(name="asked"), ckpt], 20)
    others = found.figures[found.figures["model"] != own.name]
    assert np.abs(others["difference"]).max() < 1e-6


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["models=[one]"], "models: give two or more"),
        (["models=[nowhere,{a}]"], "nowhere: no such file"),
        (["models=[{empty},{a}]"], "no predictions.csv in it"),
        (["models=[{a},{other}]"], "threshold=0.5"),
        (["models=[{a},{a}/m.onnx]"], "an exported model; give the checkpoint"),
        (["models=[{a},{odd}]"], "threshold 'high' is no number"),
        (["models=[{a},{far}]"], "far"),
        (["models=[{a},{a}]"], "stands there twice"),
        (["models=[{a},{b}]", "split=val"], "0 rows of val"),
        (["models=[{a},{b}]", "threshold=2"], "threshold=2"),
        (["models=[{a},{b}]", "threshold=f1"], "threshold=f1"),
        (["models=[{a},{b}]", "resamples=-1"], "resamples=-1"),
        (["models=[{a},{run}]"], "a run that is running; finish it"),
    ],
)
def test_bad_input_is_one_line(command, tmp_path: Path, words: list[str], expected: str):
    one = answers("a")
    names = {name: write(tmp_path / name, one) for name in "ab"}
    names["empty"] = tmp_path / "empty"
    names["empty"].mkdir()
    names["other"] = names["a"] / "mine.csv"
    names["other"].write_bytes((names["b"] / "predictions.csv").read_bytes())
    names["odd"] = write(tmp_path / "odd", one, threshold="high")
    names["far"] = write(tmp_path / "far", one, threshold=3)
    names["run"] = write(tmp_path / "run", one)
    (names["run"] / "metrics.json").write_text(json.dumps({"status": "running", "name": "x", "seed": 0}))
    code, _, err = command(verb, *(word.format(**names) for word in words))
    assert code == 1
    assert [line for line in err.splitlines() if line.startswith("error: ")] == err.splitlines()[-1:]
    assert expected in err


def test_a_table_of_another_name_takes_the_threshold_that_is_given(tmp_path: Path):
    folder = write(tmp_path / "a", answers("a", threshold=0.9))
    (folder / "mine.csv").write_bytes((folder / "predictions.csv").read_bytes())
    assert answers_of(str(folder / "mine.csv"), "test", Source(), 0.25).run.threshold == 0.25
    assert answers_of(str(folder), "test", Source()).run.threshold == 0.9
    assert not math.isnan(answers_of(str(folder), "test", Source(), 0.0).run.threshold)
