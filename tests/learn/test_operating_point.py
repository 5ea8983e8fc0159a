"""The operating point as commands have it: chosen on validation, kept with the model, moved, and told of a lot."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from pairs import SMALL, write_manifest, write_released

import oresort
from oresort import evaluate, export, train
from oresort.classic import __main__ as classic
from oresort.learn.checkpoint import load_trained
from oresort.runtime.onnx import OnnxModel
from oresort.sorting.balance import OF_METAL
from oresort.sorting.decide import is_ore
from oresort.sorting.operating import Operating
from oresort.sorting.point import Point, choose_point

PRICES = str(Path(__file__).parents[2] / "docs" / "prices.yaml")


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.fixture(scope="module")
def assayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 pairs of 30 scans with grades and masses."""
    root = write_manifest(write_released(tmp_path_factory.mktemp("assayed"), 120, 30))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    rng = np.random.default_rng(0)
    frame["grade"] = np.where(frame["label"] == "ore", 0.6, 0.05) * rng.lognormal(0, 0.3, len(frame))
    frame["mass"] = rng.lognormal(2, 0.4, len(frame))
    frame.to_csv(root / "manifest.csv", index=False)
    return root


@pytest.fixture(scope="module")
def run(assayed: Path, compose_train: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from oresort.learn.fit import train as fit

    folder = tmp_path_factory.mktemp("runs") / "run"
    fit(compose_train(f"data.root={assayed}", "trainer.max_epochs=2"), folder)
    return folder


def test_a_checkpoint_knows_its_validation_pairs_and_its_point(run: Path, assayed: Path):
    model = oresort.load(run, "cpu")
    table = pd.read_csv(run / "predictions.csv", dtype={"id": str, "scan": str})
    val = table[table["split"] == "val"]
    manifest = pd.read_csv(assayed / "manifest.csv", dtype={"id": str}).set_index("id").loc[val["id"]]
    known = model.known
    np.testing.assert_array_equal(known.p_ore, val["p_ore"].to_numpy(np.float32))
    np.testing.assert_array_equal(known.ore, (val["label"] == "ore").to_numpy())
    np.testing.assert_array_equal(known.scan, val["scan"].to_numpy())
    np.testing.assert_allclose(known.mass, manifest["mass"], rtol=1e-4)
    np.testing.assert_allclose(known.grade, manifest["grade"], rtol=1e-4)
    assert known.mass_from == "manifest"
    assert model.point.rule == "balanced_accuracy"
    assert model.point.threshold == model.threshold
    assert model.point.chosen_on == {"pairs": len(val), "ore": int(known.ore.sum()), "scans": known.scans}
    # the rule, asked again, says the same
    assert choose_point("balanced_accuracy", known, Operating()).threshold == pytest.approx(model.threshold, abs=1e-6)


def test_evaluate_tells_a_lot_by_its_manifest(command: Any, run: Path, assayed: Path, tmp_path: Path):
    words = (f"ckpt={run}", f"data.root={assayed}", f"out={tmp_path}", "device=cpu")
    code, out, err = command(evaluate, *words, "threshold=value", f"prices={PRICES}")
    assert code == 0, err
    told = json.loads((tmp_path / "evaluation.json").read_text())
    table = pd.read_csv(tmp_path / "predictions.csv")
    kept, mass, grade = is_ore(table["p_ore"].to_numpy(), told["threshold"]), table["mass"], table["grade"]
    assert told["test/mass_yield"] == pytest.approx(mass[kept].sum() / mass.sum())
    assert told["test/metal_recovery"] == pytest.approx((mass * grade)[kept].sum() / (mass * grade).sum())
    assert told["test/waste_rejection"] == pytest.approx(1 - told["test/mass_yield"])
    assert told["test/value"] == told["sorting"]["money"]["value"]["value"]
    assert told["sorting"]["mass_from"] == "manifest"
    assert told["sorting"]["operating_point"]["rule"] == "value"
    assert told["threshold"] == choose_value(run)
    assert "against no sorting" in out
    assert "keep " in out
    curve = pd.read_csv(tmp_path / "value.csv")
    assert curve["value"].max() == pytest.approx(told["sorting"]["money"]["best_value"]["value"], abs=1e-3)
    assert (tmp_path / "value.png").read_bytes().startswith(b"\x89PNG")
    # other prices, none: nothing of the old ones stays
    assert command(evaluate, *words)[0] == 0
    told = json.loads((tmp_path / "evaluation.json").read_text())
    assert told["sorting"]["money"] is None
    assert "no prices" in told["sorting"]["left_out"]["value"]
    assert not (tmp_path / "value.csv").exists()
    assert set(pd.read_csv(tmp_path / "curves.csv")) > {"mass_yield", "metal_recovery", "product_grade_low"}


def choose_value(run: Path) -> float:
    from oresort.sorting.prices import load_prices

    return choose_point("value", load_trained(run).known, Operating(), load_prices(Path(PRICES))).threshold


def test_without_a_manifest_masses_are_the_images_and_metal_is_left_out(
    command: Any, trained: Path, dataset: Path, tmp_path: Path
):
    code, out, err = command(evaluate, f"ckpt={trained}", f"data.root={dataset}", f"out={tmp_path}", "device=cpu")
    assert code == 0, err
    told = json.loads((tmp_path / "evaluation.json").read_text())["sorting"]
    assert told["mass_from"] == "image"
    assert set(OF_METAL) <= set(told["left_out"])
    assert "masses from the images" in out
    assert "left out: feed_grade" in out
    for word, why in (("value", "no prices"), ("recovery", "ore particles promise at most")):
        code, _, err = command(evaluate, f"ckpt={trained}", f"data.root={dataset}", f"threshold={word}")
        assert code == 1
        assert why in errors(err)[0]
    code, _, err = command(evaluate, f"ckpt={trained}", f"data.root={dataset}", "threshold=value", f"prices={PRICES}")
    assert code == 1
    assert "does not know the grade" in errors(err)[0]


def test_a_promise_that_no_model_could_keep_is_refused_before_the_training(command: Any, dataset: Path, tmp_path: Path):
    for verb, more in ((train, SMALL), (classic, ("method=r_value",))):
        words = (f"data.root={dataset}", f"out={tmp_path / 'run'}", "threshold=recovery", *more)
        code, _, err = command(verb, *words)
        assert code == 1
        assert "45 would do" in errors(err)[0]
        code, _, err = command(verb, *words, "operating.recovery=1.5")
        assert code == 1
        assert "operating.recovery=1.5" in errors(err)[0]
        code, _, err = command(verb, *words[:2], "threshold=value", *more, f"prices={tmp_path / 'no.yaml'}")
        assert code == 1
        assert "no.yaml" in errors(err)[0]


def test_a_run_keeps_the_point_of_its_rule(command: Any, assayed: Path, tmp_path: Path):
    words = (f"data.root={assayed}", "threshold=recovery", "operating.recovery=0.8", "operating.confidence=0.8")
    code, _, err = command(train, *words, "band=0.07", f"out={tmp_path / 'run'}", *SMALL)
    assert code == 0, err
    model = load_trained(tmp_path / "run")
    assert model.point.promise["recovery"] == 0.8
    chosen = choose_point("recovery", model.known, Operating(recovery=0.8, confidence=0.8))
    assert model.point == replace(chosen, band=0.07)
    row = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert row["threshold"] == model.threshold
    assert row["val/recall"] >= 0.8
    code, _, err = command(classic, *words, f"out={tmp_path / 'classic'}", "method=r_value")
    assert code == 0, err
    assert json.loads((tmp_path / "classic" / "metrics.json").read_text())["val/recall"] >= 0.8


def test_an_exported_file_takes_another_point_along(command: Any, run: Path, tmp_path: Path):
    out = tmp_path / "m.onnx"
    words = ("threshold=recovery", "operating.recovery=0.8", "operating.confidence=0.8", "band=0.1", "pairs=8")
    code, text, err = command(export, f"ckpt={run}", f"out={out}", *words)
    assert code == 0, err
    assert "at least 80 %" in text
    model, trained = OnnxModel(out), load_trained(run)
    assert model.point.promise["recovery"] == 0.8
    assert model.point.band == 0.1
    assert model.threshold == model.point.threshold != trained.threshold
    np.testing.assert_array_equal(model.known.p_ore, trained.known.p_ore)
    assert onnx.load(out).metadata_props[0].key == "oresort"


def test_a_checkpoint_whose_point_is_not_its_threshold_is_refused(run: Path, tmp_path: Path):
    content = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    for change, why in (
        ({"point": Point(0.123).plain()}, "of another threshold"),
        ({"point": 3}, "not an operating point"),
        ({"known": [1]}, "known: not particles"),
    ):
        torch.save(content | change, tmp_path / "m.ckpt")
        with pytest.raises(oresort.InputError, match=why):
            load_trained(tmp_path / "m.ckpt")


def test_grades_in_ppm_are_asked_about(command: Any, run: Path, assayed: Path, tmp_path: Path):
    root = write_released(tmp_path / "rich", 120, 30)
    frame = pd.read_csv(assayed / "manifest.csv", dtype=str)
    frame["grade"] = "50"
    frame.to_csv(root / "manifest.csv", index=False)
    code, _, err = command(evaluate, f"ckpt={run}", f"data.root={root}", "device=cpu")
    assert code == 1
    assert "a median grade of 50 wt %; is it in ppm" in errors(err)[0]
    code, _, err = command(evaluate, f"ckpt={run}", f"data.root={root}", "device=cpu", "rich=true")
    assert code == 0, err


@pytest.mark.parametrize(("cutoff", "lacking"), [(99, "ore"), (0.0001, "waste")])
def test_a_cutoff_beyond_all_grades_is_refused_before_the_training(
    command: Any, assayed: Path, tmp_path: Path, cutoff: float, lacking: str
):
    words = (f"data.root={assayed}", f"out={tmp_path / 'run'}")
    for verb, more in (
        (train, (*SMALL, f"cutoff={cutoff}")),
        (train, (*SMALL, f"cutoff={cutoff}", "task=grade")),
        (classic, ("method=r_value", f"data.cutoff={cutoff}")),
    ):
        code, _, err = command(verb, *words, *more)
        assert code == 1
        assert f"no {lacking} among 84 pairs of train, which are of" in errors(err)[0]


def test_a_key_that_no_rule_asks_for_is_refused(command: Any, run: Path, assayed: Path, tmp_path: Path):
    asked = (f"ckpt={run}", f"data.root={assayed}", "device=cpu")
    fresh = (f"data.root={assayed}", f"out={tmp_path / 'r'}", *SMALL)
    for verb, words, why in (
        (evaluate, (*asked, "operating.recovery=0.8"), "operating.recovery=0.8: is of threshold=recovery alone"),
        (evaluate, (*asked, "threshold=f1", "operating.lost_ore=3"), "operating.lost_ore=3.0: is of threshold=cost"),
        (
            export,
            (f"ckpt={run}", f"out={tmp_path / 'm.onnx'}", "operating.of=mass"),
            "of=mass: is of threshold=recovery",
        ),
        (export, (f"ckpt={run}", f"out={tmp_path / 'm.onnx'}", f"prices={PRICES}"), "is of threshold=value alone"),
        (train, (*fresh, f"prices={PRICES}"), "is of threshold=value alone"),
    ):
        code, _, err = command(verb, *words)
        assert code == 1
        assert why in errors(err)[0]


def test_a_promise_of_other_classes_is_not_repeated(command: Any, run: Path, assayed: Path, tmp_path: Path):
    content = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    model = load_trained(run)
    point = choose_point("recovery", model.known, Operating(recovery=0.8, confidence=0.8))
    content["state_dict"]["threshold"].fill_(point.threshold)
    torch.save(content | {"point": point.plain()}, tmp_path / "m.ckpt")
    asked = (f"ckpt={tmp_path / 'm.ckpt'}", f"data.root={assayed}", "device=cpu")
    assert "at least 80 % of ore particles" in command(evaluate, *asked)[1]
    code, out, err = command(evaluate, *asked, "cutoff=0.7")
    assert code == 0, err
    assert "by recovery, chosen on" in out
    assert "at least" not in out.split("by recovery")[1]
    # asked anew, it is of the classes of the cut-off, by the dataset's validation pairs
    words = ("threshold=recovery", "operating.recovery=0.5", "operating.confidence=0.6", "cutoff=0.7")
    code, out, err = command(evaluate, *asked, *words)
    assert code == 0, err
    frame = pd.read_csv(assayed / "manifest.csv", dtype={"id": str}).set_index("id")
    table = pd.read_csv(run / "predictions.csv", dtype={"id": str})
    rich = (frame.loc[table.loc[table["split"] == "val", "id"], "grade"] >= 0.7).sum()
    assert f"if particles are as those {rich} were" in out.replace("\n", " ")
