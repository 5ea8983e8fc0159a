"""A model asked in Python: whatever form the pairs have, one answer; what cannot be judged is refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from exported import settled
from pairs import AIR, particle, write_image, write_manifest, write_released

from oresort.errors import InputError
from oresort.files.dataset import SIMULATED, write_dataset
from oresort.learn.trained import Trained
from oresort.runtime.asking import DriftWarning
from oresort.sorting.drift import describe_pairs, pair_figures

RNG = np.random.default_rng(0)
PAIRS = [particle(RNG, ore=i % 2 == 0) for i in range(8)]
LOWS, HIGHS = [low for low, _ in PAIRS], [high for _, high in PAIRS]
LOW, HIGH = PAIRS[0]


@pytest.fixture(scope="module")
def model() -> Trained:
    made = settled()
    figures = [pair_figures(low, high, AIR, "zero") for low, high in PAIRS]
    ends = {"min": AIR - 500, "median": AIR, "max": AIR + 500}
    made.module.seen = {"scans": {"air_low": ends}, "pairs": describe_pairs(figures, [0] * len(figures))}
    return made


@pytest.fixture
def answers(model: Trained) -> np.ndarray:
    """As the model is asked by the belt."""
    return model(LOWS, HIGHS, AIR, "zero")


def near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_one_pair_a_list_and_a_stack(model: Trained, answers: np.ndarray):
    near(model.predict(LOWS, HIGHS, air=AIR), answers)
    near(model.predict(LOW, HIGH, air=AIR), answers[:1])
    near(model.predict(np.stack([LOW] * 3), np.stack([HIGH] * 3), air=AIR), answers[[0, 0, 0]])
    near(model.predict(tuple(LOWS[:2]), HIGHS[:2], air=[AIR, AIR]), answers[:2])
    assert model.predict([], [], air=AIR).shape == (0,)
    assert model.predict(LOW, HIGH, air=AIR).dtype == np.float32


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.uint32, ">u2", torch.from_numpy])
def test_any_kind_that_holds_the_counts(model: Trained, answers: np.ndarray, kind: Any):
    low, high = (kind(x) if kind is torch.from_numpy else x.astype(kind) for x in (LOW, HIGH))
    near(model.predict(low, high, air=AIR), answers[:1])


def test_files_and_folders(model: Trained, answers: np.ndarray, tmp_path: Path):
    for name, images in (("low", LOWS), ("high", HIGHS)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            write_image(tmp_path / name / f"{i}.tiff", image)
    near(model.predict(f"{tmp_path}/low/1.tiff", tmp_path / "high" / "1.tiff", air=AIR), answers[1:2])
    near(model.predict([f"{tmp_path}/low/1.tiff", LOW], [HIGHS[1], HIGH], air=AIR), answers[[1, 0]])
    near(model.predict(str(tmp_path / "low"), tmp_path / "high", air=AIR), answers)
    (tmp_path / "high" / "3.tiff").rename(tmp_path / "high" / "9.tiff")
    with pytest.raises(InputError, match=r"3\.tiff and .*4\.tiff: of other names"):
        model.predict(tmp_path / "low", tmp_path / "high", air=AIR)
    with pytest.raises(InputError, match="no images in it"):
        model.predict(tmp_path, tmp_path, air=AIR)


def test_each_pair_has_its_own_air(model: Trained, answers: np.ndarray):
    levels = [AIR, AIR - 300, AIR, AIR + 300, AIR, AIR, AIR - 300, AIR]
    found = model.predict(LOWS, HIGHS, air=levels)
    near(found, [model([low], [high], air, "zero")[0] for low, high, air in zip(LOWS, HIGHS, levels, strict=True)])
    assert not np.array_equal(found, answers)


def on_air(image: np.ndarray) -> np.ndarray:
    """A crop on bare belt."""
    wide = np.pad(image, 3)
    return np.where(wide == 0, AIR, wide).astype(np.uint16)


RGB = np.stack([LOW] * 3, axis=2)
SPOILT = LOW.astype(np.float32)
SPOILT[3, 4] = np.nan
FULL = np.full((30, 30), 20_000, np.uint16)
WHOLE = np.full((600, 2_000), AIR, np.uint16)
REFUSED: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "no air": (LOW, HIGH, {"air": None}, r"air: not known; .* in training it was 51,850 to 52,850"),
    "air 0": (LOW, HIGH, {"air": 0}, "air=0"),
    "air NaN": (LOW, HIGH, {"air": np.nan}, "air=nan"),
    "air of one pair NaN": ([LOW] * 2, [HIGH] * 2, {"air": [AIR, np.nan]}, "air=nan"),
    "two airs for three": ([LOW] * 3, [HIGH] * 3, {"air": [AIR, AIR]}, "2 levels for 3 pairs"),
    "air far below": (LOW, HIGH, {"air": 30_000.0}, r"brightest of the particle is 1\d\d % of air"),
    "counts of 12 bits": (LOW // 16, HIGH // 16, {}, r"brightest of the particle is \d % of air"),
    "an unknown background": (LOW, HIGH, {"background": "black"}, "background=black"),
    "crops on air as on zero": (on_air(LOW), on_air(HIGH), {}, "no background=zero around"),
    "crops on zero as on air": (LOW, HIGH, {"background": "air"}, "no background=air around"),
    "air far above": (on_air(LOW), on_air(HIGH), {"air": 65_535.0, "background": "air"}, "no background=air around"),
    "a part of a particle": (FULL, FULL + np.uint16(1), {}, "no background=zero around"),
    "exchanged": (HIGH, LOW, {}, "exchanged"),
    "the same twice": (LOW, LOW, {}, "the same image"),
    "exchanged in the list": (LOWS[:2], [HIGH, LOWS[1]], {}, r"low\[1\] and high\[1\]: .*exchanged"),
    "attenuations": (np.log(AIR / np.maximum(LOW, 1)), HIGH, {}, "no count of 0 to 65,535"),
    "shares of full scale": (LOW / 65_535, HIGH / 65_535, {}, "no count of 0 to 65,535"),
    "NaN": (SPOILT, HIGH, {}, "low: has nan at line 3, column 4"),
    "negative": (LOW.astype(np.int32) - 5, HIGH, {}, "low: has -5"),
    "8 bits": ((LOW // 256).astype(np.uint8), HIGH, {}, "low: of uint8"),
    "complex": (LOW.astype(complex), HIGH, {}, "low: of complex128"),
    "text": (np.array([["a"] * 9] * 9), HIGH, {}, "low: of <U1"),
    "masked": (np.ma.masked_less(LOW, 1), HIGH, {}, "low: pixels are masked"),
    "colours": (RGB, RGB, {}, r"low\[0\]: of shape \(\d+, 3\)"),
    "a whole scan": (WHOLE, WHOLE, {"background": "air"}, "low: 1,200,000 pixels, no crop of one particle"),
    "a line": (LOW[0], HIGH[0], {}, "low: of shape"),
    "channels": (LOW[None, None], HIGH[None, None], {}, "low: of shape"),
    "lines as a list": ([*LOW], [*HIGH], {}, r"low\[0\]: of shape"),
    "of other sizes": (LOW, HIGH[1:], {}, "low and high: .* give layers of one size"),
    "of other numbers": ([LOW] * 3, [HIGH] * 2, {}, "3 images of low and 2 of high"),
    "nothing in it": (np.zeros_like(LOW), HIGH, {}, "no particle"),
    "a tensor with a gradient": (torch.ones(9, 9, requires_grad=True), HIGH, {}, "low: no array"),
    "no such file": ("nowhere.tiff", "nothing.tiff", {}, "nowhere.tiff: No such file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_judged_is_refused(model: Trained, kind: str):
    low, high, keys, says = REFUSED[kind]
    with pytest.raises(InputError, match=says) as caught:
        model.predict(low, high, **({"air": AIR} | keys))
    assert "\n" not in str(caught.value)


def test_crops_on_air_are_judged_as_such(model: Trained):
    found = model.predict(on_air(LOW), on_air(HIGH), air=AIR, background="air")
    near(found, model([on_air(LOW)], [on_air(HIGH)], AIR, "air"))


def test_without_attenuations_nothing_depends_on_air():
    model = settled(kind="standardized")
    near(model.predict(LOW, HIGH), model.predict(LOW, HIGH, air=50_500.0))
    with pytest.raises(InputError, match="air: not known"):
        model.predict(on_air(LOW), on_air(HIGH), background="air")


def test_what_does_not_look_as_in_training_is_named(model: Trained):
    thick = [(image * 0.6).astype(np.uint16) for image in HIGHS]
    with pytest.warns(DriftWarning) as told:
        model.predict([(image * 0.5).astype(np.uint16) for image in LOWS], thick, air=AIR)
    assert any("mean h of the particles" in str(one.message) for one in told)
    with pytest.warns(DriftWarning, match="air of the low layer .* in training"):
        model.predict(LOW, HIGH, air=AIR * 1.15)


@pytest.mark.filterwarnings("error")
def test_a_dataset_is_answered_by_its_own_index(model: Trained, tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "data", count=12, scans=3), air="51000")
    index = pd.read_csv(root / "manifest.csv", dtype=str)
    rest = index.iloc[:2].assign(label="")
    index.iloc[2:].to_csv(root / "manifest.csv", index=False)
    rest.to_csv(root / "unlabelled.csv", index=False)
    write_dataset(root, "test", model.cut)
    found = model.predict_folder(str(root))
    assert found["id"].tolist() == [*index["id"][2:], *rest["id"]]
    assert set(found["decision"]) <= {"ore", "waste"}
    assert ((found["decision"] == "ore") == (found["p_ore"] >= model.threshold)).all()
    one = found.set_index("id")["p_ore"][rest["id"].iloc[0]]
    files = (str(root / rest[layer].iloc[0]) for layer in ("low", "high"))
    near(model.predict(*files, air=51_000), [one])


def test_a_dataset_that_is_cut_otherwise_is_named(model: Trained, tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "data", count=3, scans=3))
    write_dataset(root, "test", SIMULATED)
    with pytest.warns(DriftWarning, match="mask=threshold against released"):
        model.predict_folder(root)
