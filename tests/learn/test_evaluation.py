"""A checkpoint answers alike by every way: trained, evaluated, and asked for single pairs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import oresort
from oresort.data.datamodule import OreDataModule
from oresort.files.image import read_pair
from oresort.files.layout import index_released
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.xray.transmission import NOMINAL_AIR


def test_a_run_reads_its_manifest_once(
    dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    reads = []
    plain = OreDataModule.read_index
    counted = staticmethod(lambda settings: reads.append(settings) or plain(settings))
    monkeypatch.setattr(OreDataModule, "read_index", counted)
    train(compose_train(f"data.root={dataset}"), tmp_path / "run")
    assert len(reads) == 1


def test_predict_answers_as_the_runs_own_predictions(trained: Path, dataset: Path):
    model = oresort.load(str(trained))  # a run folder, whose best checkpoint is taken
    known = pd.read_csv(trained / "predictions.csv", dtype={"id": str}).head(5)
    index = index_released(dataset).astype({"id": str}).set_index("id")
    pairs = [read_pair(dataset / index.loc[i, "low"], dataset / index.loc[i, "high"]) for i in known["id"]]
    p_ore = model.predict([low for low, _ in pairs], [high for _, high in pairs], air=NOMINAL_AIR)
    np.testing.assert_allclose(p_ore, known["p_ore"], atol=1e-6)
    assert model.predict(*pairs[0], air=NOMINAL_AIR) == pytest.approx([known["p_ore"][0]], abs=1e-6)
    whole = model.predict_folder(dataset).set_index("id")
    np.testing.assert_allclose(whole["p_ore"][known["id"]], known["p_ore"], atol=1e-6)


def test_a_fitted_temperature_changes_what_probabilities_mean_and_not_their_order(
    dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    rows, tables, fitted = {}, {}, {}
    for word in ("fitted", "1", "0.25"):
        cfg = compose_train(f"data.root={dataset}", f"temperature={word}", "trainer.max_epochs=2")
        rows[word] = train(cfg, tmp_path / word)
        tables[word] = pd.read_csv(tmp_path / word / "predictions.csv")
        fitted[word] = oresort.load(tmp_path / word).temperature
    assert (fitted["1"], fitted["0.25"]) == (1, 0.25)
    assert fitted["fitted"] not in (1, 0.25)
    p = {word: table["p_ore"].to_numpy(np.float64) for word, table in tables.items()}
    margin = {word: np.log(p[word] / (1 - p[word])) * fitted[word] for word in p}
    for word in ("fitted", "0.25"):
        assert rows[word]["test/auroc"] == rows["1"]["test/auroc"]
        np.testing.assert_allclose(margin[word], margin["1"], atol=1e-4)
        assert rows[word]["val/balanced_accuracy"] == rows["1"]["val/balanced_accuracy"]
    val = (tables["1"]["split"] == "val").to_numpy()
    ore = (tables["1"]["label"] == "ore").to_numpy()[val]
    target = np.where(ore, (ore.sum() + 1) / (ore.sum() + 2), 1 / ((~ore).sum() + 2))
    loss = {word: -(target * np.log(p[word][val]) + (1 - target) * np.log(1 - p[word][val])).mean() for word in p}
    assert loss["fitted"] < min(loss["1"], loss["0.25"])
