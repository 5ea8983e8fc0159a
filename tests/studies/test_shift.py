"""The study of shifts: known answers of its parts, and a small run that goes on where it stopped."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oresort.errors import InputError
from oresort.simulate import SimulateConfig
from oresort.sorting import transfer
from oresort.sorting.threshold import choose_threshold
from studies.shift import __main__ as study
from studies.shift import answers, settings, tables
from studies.shift.curve import Curve, bent, fit_curve
from studies.shift.score import Answered, best, interval
from studies.shift.settings import MODELS, SAME, SHIFTS, called
from studies.shift.thresholds import WAYS, carried, thinned

TABLES = ("figures", "lost", "normalised", "thresholds")


def planes_on(curve: Curve, count: int = 6, cover: float = 1.0) -> np.ndarray:
    """Planes of particles that lie on a curve, a few pixels of sulphide apart."""
    h = np.random.default_rng(0).uniform(0.2, 1.4, (count, 20, 20)).astype(np.float32)
    low = (curve.c1 * h + curve.c2 * h**2).astype(np.float32)
    low[:, :2, :3] += 0.8
    planes = np.stack([low, h, np.ones_like(h), np.ones_like(h)], axis=1)
    planes[:, :, 10:, :] *= cover
    return planes


def test_the_curve_is_found_in_spite_of_grains():
    assert fit_curve(planes_on(Curve(1.7, -0.25))) == pytest.approx((1.7, -0.25), abs=0.01)
    assert fit_curve(planes_on(Curve(1.7, -0.25), cover=0.5)) == pytest.approx((1.7, -0.25), abs=0.01)


@pytest.mark.parametrize("own", [Curve(1.9, -0.32), Curve(1.45, -0.15)])
def test_bent_particles_lie_on_the_curve_of_training(own: Curve):
    usual = Curve(1.7, -0.25)
    made = bent(planes_on(own, cover=0.5), own, usual)
    assert fit_curve(made) == pytest.approx(usual, abs=0.02)
    assert (made[:, [0, 2, 3]] == planes_on(own, cover=0.5)[:, [0, 2, 3]]).all()
    assert bent(planes_on(usual), usual, usual) == pytest.approx(planes_on(usual), abs=1e-5)


def answered(seed: int, shift: float = 0.0, scans: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = np.repeat(rng.permutation(scans) < 0.6 * scans, 20).astype(int)
    logit = rng.normal(np.where(label, 1.5, -1.5), 1.0) + shift
    return pd.DataFrame({"scan": np.repeat(range(scans), 20), "label": label, "p_ore": 1 / (1 + np.exp(-logit))})


def test_ways_to_carry_a_threshold():
    known, moved = answered(0), answered(1, shift=2.0)
    cut = best(known)
    assert cut == choose_threshold("balanced_accuracy", known["p_ore"].to_numpy(), known["label"].to_numpy())
    assert carried(WAYS[0], cut, known, moved) == cut
    for way in WAYS[1:]:
        assert carried(way, cut, known, moved) == pytest.approx(
            1 / (1 + np.exp(-2.0 - np.log(cut / (1 - cut)))), abs=0.08
        )
    poor = thinned(answered(1), 0.3, seed=0)
    assert poor["label"].mean() == pytest.approx(0.3, abs=0.01)
    assert (poor["label"] == 0).sum() == (answered(1)["label"] == 0).sum()
    assert (
        carried("same share kept", cut, known, poor) < cut - 0.05
    )  # keeps waste in place of the ore that is not there
    assert carried("likelihood", cut, known, poor) == cut


def test_figures_are_means_over_seeds_with_intervals_over_scans():
    one, other = (Answered(answered(seed), 0.5) for seed in (2, 3))
    both = interval("auroc", [one, other])
    assert both.value == pytest.approx((interval("auroc", [one]).value + interval("auroc", [other]).value) / 2)
    assert both.low < both.value < both.high
    assert interval("auroc", [one, other], [one, other]) == (0, 0, 0)
    worse = Answered(one.answers.assign(p_ore=0.5), 0.5)
    assert interval("auroc", [worse], [one]).high < -30


def test_every_word_of_simulate_is_known():
    for words in (*SHIFTS.values(), *(model.data for model in MODELS.values())):
        for word in words:
            assert word.split("=")[0] in SimulateConfig.__dataclass_fields__
    assert SHIFTS[SAME] == ()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_trained(model: str, compose_train: Any):
    if MODELS[model].words:
        compose_train(*MODELS[model].words, small=False)


@pytest.fixture
def command_here(command: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def here(verb: str, *words: str) -> None:
        asked.append(verb)
        code, _, err = command(importlib.import_module(f"oresort.{verb}"), *words)
        assert code == 0, err

    monkeypatch.setattr(answers, "oresort", here)
    return asked


@pytest.fixture
def few_shifts(monkeypatch: pytest.MonkeyPatch) -> None:
    shifts = {name: SHIFTS[name] for name in (SAME, "noise x1.5", "air level recorded 2 % low")}
    for module in (answers, tables):
        monkeypatch.setattr(module, "SHIFTS", shifts)
    monkeypatch.setattr(transfer, "FEWEST", 5)
    short = settings.Model((*settings.COMPACT, "trainer.max_epochs=1"))
    for module in (answers, settings):
        monkeypatch.setitem(module.MODELS, "compact", short)
    called.cache_clear()


def test_a_small_study_and_the_same_again(few_shifts: None, command_here: list[str], tmp_path: Path):
    options = study.Options(work=tmp_path / "w", out=tmp_path / "o", seeds=[5], pairs=120, shifted=130)
    options.models = ["compact", "gradient boosting"]
    lost = study.study(options)
    assert command_here.count("simulate") == 4
    assert command_here.count("train") == 1
    assert lost["shift"].tolist() == ["noise x1.5", "air level recorded 2 % low"]
    found = {name: pd.read_csv(tmp_path / "o" / f"{name}.csv").set_index("shift") for name in TABLES}
    figures = found["figures"]
    for model in options.models:
        assert (figures[f"best {model}"] >= figures[f"balanced_accuracy {model}"] - 0.01).all()
        assert figures[f"auroc {model}_low"].le(figures[f"auroc {model}"]).all()
        differences = figures[f"auroc {model}"].iloc[1:] - figures[f"auroc {model}"].iloc[0]
        assert found["lost"][f"auroc {model}"].to_numpy() == pytest.approx(differences.to_numpy(), abs=0.02)
    assert found["thresholds"].loc["mean", "best"] == pytest.approx(
        found["thresholds"]["best"].iloc[:3].mean(), abs=0.01
    )
    same = found["normalised"]["auroc plain"]
    assert same.to_numpy() == pytest.approx(figures["auroc compact"].to_numpy())
    assert (tmp_path / "o" / "shift.png").stat().st_size > 10_000
    pd.testing.assert_frame_equal(study.study(options), lost)
    assert len(command_here) == 5


def test_a_model_of_other_settings_is_another_and_of_the_same_the_same(monkeypatch: pytest.MonkeyPatch):
    called.cache_clear()
    names = [called(name) for name in MODELS]
    assert len(set(names)) == len(names)
    twin = {**MODELS, "twin": MODELS["compact"], "other": settings.Model((*settings.COMPACT, "optim.lr=1e-3"))}
    monkeypatch.setattr(settings, "MODELS", twin)
    assert called("twin") == called("compact")
    assert called("other") not in names


def test_an_unknown_model_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="models: unknown 'rule'"):
        study.study(study.Options(work=tmp_path, models=["rule"]))
