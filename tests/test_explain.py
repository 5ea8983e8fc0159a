"""Why a trained model decides, as a user asks for it: the learned functions of its head, and where it looks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from oresort import evaluate, explain
from oresort.files.image import read_image, write_tiff
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.fit import train
from oresort.models.heads.kan import kan_layers
from oresort.models.kan.edges import blocks, importance


def test_table_and_picture(command: Any, trained: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"
    code, out, err = command(explain, f"ckpt={ckpt}", f"out={tmp_path}", "top=3")
    assert code == 0, err
    assert "hold half" in out
    table = pd.read_csv(tmp_path / "edges.csv")
    layers = kan_layers(load_trained(ckpt).module)
    assert len(table) == sum(layer.in_features * layer.out_features for layer in layers)
    for number, layer in enumerate(layers):
        part = table[table["layer"] == number]
        assert part["importance"].is_monotonic_decreasing
        best = part.iloc[0]
        size = importance(layer)
        assert size[int(best["input"]), int(best["output"])] == size.max()
        assert best["importance"] == pytest.approx(size.max().item(), rel=1e-4)
    with Image.open(tmp_path / "edges.png") as picture:
        assert picture.size[0] > 300
        assert len(picture.convert("L").getcolors()) > 10  # curves, not an empty page


def test_a_simplified_model_is_a_checkpoint_of_its_own(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"

    def simplified(*words: str) -> Any:
        out = tmp_path / "-".join(words).replace("=", "_")
        code, shown, err = command(explain, f"ckpt={ckpt}", f"out={out}", "figures=[]", *words)
        assert code == 0, err
        assert "simplified.ckpt: " in shown
        file = out / "simplified.ckpt"
        assert command(evaluate, f"ckpt={file}", f"data.root={dataset}", f"out={out}")[0] == 0
        return load_trained(file).module, pd.read_csv(out / "predictions.csv")

    whole = load_trained(ckpt).module
    before = evaluate_checkpoint(ckpt, dataset).predictions

    module, after = simplified("degree=8")  # two more terms that begin at 0
    assert sum(p.numel() for p in module.parameters()) > sum(p.numel() for p in whole.parameters())
    assert after["p_ore"].to_numpy() == pytest.approx(before["p_ore"].to_numpy(), abs=1e-5)

    module, after = simplified("keep=0.25", "degree=2")
    for layer, old in zip(kan_layers(module), kan_layers(whole), strict=True):
        alive = blocks(layer)[1:].abs().sum(0) > 0
        assert layer.basis.columns == 2
        assert int(alive.sum()) == round(0.25 * alive.numel())
        kept = blocks(layer)[1:, alive]
        assert kept.equal(blocks(old)[1:3, alive])
    assert after["p_ore"].to_numpy() != pytest.approx(before["p_ore"].to_numpy(), abs=1e-5)


def test_a_look_at_a_simplified_model_is_not_the_originals(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    quick = ("gallery=0", "curves=0", "controls=[]", "steps=2", "top=1", f"data.root={dataset}")
    assert command(explain, f"ckpt={trained}", "keep=0.5", *quick, f"out={tmp_path / 'why'}")[0] == 0
    page = (f"data.root={dataset}", f"out={tmp_path / 'page'}", "page=true", f"explained={tmp_path / 'why'}")
    code, _, err = command(evaluate, f"ckpt={trained}", *page)
    assert code == 1
    assert "explain.json: sha256" in err
    code, _, err = command(evaluate, f"ckpt={tmp_path / 'why' / 'simplified.ckpt'}", *page)
    assert code == 0, err
    assert "Functions of the KAN head" in (tmp_path / "page" / "report.html").read_text()


def test_a_head_without_functions_is_told(
    command: Any, dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    train(compose_train(f"data.root={dataset}", "model/head=mlp"), tmp_path / "run")
    ckpt = tmp_path / "run" / "checkpoints" / "best.ckpt"
    code, _, err = command(explain, f"ckpt={ckpt}", f"out={tmp_path / 'out'}")
    assert code == 1
    assert "has no KAN layer" in err
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_line(command: Any, trained: Path, tmp_path: Path):
    ckpt = trained / "checkpoints" / "best.ckpt"
    for words, named in (
        ((f"ckpt={ckpt}", "top=0"), "top=0"),
        ((f"ckpt={ckpt}", "keep=1.5"), "keep=1.5"),
        ((f"ckpt={ckpt}", "degree=0"), "degree=0"),
        ((f"ckpt={tmp_path}/x",), "no such checkpoint"),
        (("ckpt=builtin",), "builtin: an exported model, without weights"),
        ((f"ckpt={tmp_path}/x.onnx",), "x.onnx: an exported model, without weights"),
        ((f"ckpt={ckpt}", "controls=[none]"), "'none' is unknown; known are random, shuffled"),
    ):
        code, _, err = command(explain, *words, f"out={tmp_path / 'out'}")
        assert code == 1
        assert named in err
        assert not (tmp_path / "out").exists()


def test_a_look_at_pairs_is_one_record_whose_figures_are_in_the_tables(
    command: Any, trained: Path, dataset: Path, tmp_path: Path
):
    pytest.importorskip("captum", reason="captum is not installed: pip install 'oresort[train]'")
    words = (f"ckpt={trained}", f"data.root={dataset}", f"out={tmp_path}", "gallery=2", "curves=3", "steps=4", "top=1")
    code, out, err = command(explain, *words)
    assert code == 0, err
    assert "share of the relevance by region" in out
    record = json.loads((tmp_path / "explain.json").read_text())
    known = evaluate_checkpoint(trained, dataset).predictions.set_index("id")
    pairs = pd.read_csv(tmp_path / "pairs.csv", dtype={"id": str}).set_index("id")
    assert record["looked_at"] == record["split_pairs"] == len(known) == len(pairs)
    np.testing.assert_allclose(pairs["p_ore"], known.loc[pairs.index, "p_ore"], atol=1e-5)
    assert (pairs["label"] == known.loc[pairs.index, "label"]).all()

    shares = pd.DataFrame(record["shares"])
    np.testing.assert_allclose(shares.groupby(["model", "map"])["mass"].sum(), 1, atol=1e-6)
    assert set(shares["model"]) == {"trained", "random", "shuffled"}
    own = shares[(shares["model"] == "trained") & (shares["region"] == "inside")].set_index("map")["mass"]
    for key, mass in own.items():
        assert mass == pytest.approx(pairs[f"{key}, inside"].mean(), rel=1e-4)
    # the hybrid's towers see both energies each
    towers = [f"gradients_{tower}_{energy}" for tower in (1, 2) for energy in ("low", "high")]
    assert list(own.index) == ["grad_cam_1", "grad_cam_2", *towers, "gradients_low", "gradients_high", "gradients"]

    for row in record["sensitivity"]:
        step = (pairs[f"p_ore, {row['change']}"] - pairs["p_ore"]).to_numpy()
        assert row["dp"] == pytest.approx(step.mean(), abs=1e-5)
        assert row["size"] == pytest.approx(np.abs(step).mean(), abs=1e-5)
        assert row["flipped"] == pytest.approx(row["become_ore"] + row["become_waste"])
    assert {row["way"] for row in record["faithfulness"]} == {"deletion", "insertion"}
    with np.load(tmp_path / "maps.npz") as maps:
        drawn = {pair["id"] for pairs_ in record["galleries"].values() for pair in pairs_}
        assert set(maps["id"]) == drawn
        assert maps["gradients"].shape == (len(drawn), 16, 16)
    for name, chosen in record["galleries"].items():
        for pair in chosen:
            assert (tmp_path / pair["picture"]).is_file()
            assert pair["p_ore"] == pytest.approx(known.loc[pair["id"], "p_ore"], abs=1e-5)
            assert name == "most unsure" or (pair["label"] == pair["called"]) == (name == "surest right")
    for file in record["files"]:
        assert (tmp_path / file).is_file()

    # asked for again in few words, what an earlier look left does not stay
    more = ("gallery=0", "curves=0", "controls=[]", f"ids=[{pairs.index[5]}]", "pairs=3")
    assert command(explain, *words[:3], *more, "steps=2", "top=1")[0] == 0
    record = json.loads((tmp_path / "explain.json").read_text())
    assert [[pair["id"] for pair in chosen] for chosen in record["galleries"].values() if chosen] == [[pairs.index[5]]]
    assert len(list((tmp_path / "pairs").iterdir())) == 1
    assert record["looked_at"] == 3
    assert "faithfulness" not in record


@pytest.mark.filterwarnings("default::oresort.data.leaks.DatasetWarning")
def test_pairs_that_are_not_there_or_have_no_mask_are_named(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    pytest.importorskip("captum", reason="captum is not installed: pip install 'oresort[train]'")
    test = evaluate_checkpoint(trained, dataset).predictions["id"].tolist()
    quick = ("gallery=0", "curves=0", "controls=[]", "steps=2", "figures=[]")
    words = (f"ckpt={trained}", *quick, f"out={tmp_path / 'out'}")
    code, _, err = command(explain, *words, f"data.root={dataset}", f"ids=[{test[0][:-1]}]")
    assert code == 1
    assert f"is no pair of split=test; nearest are {test[0]}" in err
    assert not (tmp_path / "out").exists()

    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy, ignore=shutil.ignore_patterns(".cache"))
    low = read_image(copy / test[0] / "low.tiff")
    write_tiff(copy / test[0] / "low.tiff", np.maximum(low, np.uint16(20_000)))
    code, out, err = command(explain, *words, f"data.root={copy}")
    assert code == 0, err
    assert "no background=zero around the particle" in err
    assert f"{test[0]}, has no mask" in out
    record = json.loads((tmp_path / "out" / "explain.json").read_text())
    assert [left["id"] for left in record["left_out"]] == [test[0]]
    assert record["looked_at"] == len(test) - 1


def test_a_classical_sorter_shows_its_features(command: Any, dataset: Path, tmp_path: Path):
    from oresort.classic import __main__ as classic

    run = tmp_path / "trees"
    assert command(classic, f"data.root={dataset}", f"out={run}", "method=gradient_boosting")[0] == 0
    table = pd.read_csv(run / "importances.csv")
    assert table["importance"].is_monotonic_decreasing
    assert table["feature"].is_unique
    # the classes differ in l / h alone: shape says nothing
    assert table["importance"].max() > 0.01
    assert table.set_index("feature").loc[["area", "diameter", "extent"], "importance"].abs().max() < 0.01
    code, out, err = command(explain, f"ckpt={run}")
    assert code == 0, err
    assert table["feature"][0] in out
    record = json.loads((run / "explain" / "explain.json").read_text())
    assert record["importances"][0]["feature"] == table["feature"][0]
    assert (run / "explain" / "importances.png").is_file()

    (run / "importances.csv").write_text("feature,importance,deviation\nl_mean,much,0\n")
    code, _, err = command(explain, f"ckpt={run}")
    assert code == 1
    assert "importances.csv: not as oresort.classic wrote it" in err
    (run / "importances.csv").unlink()
    code, _, err = command(explain, f"ckpt={run}")
    assert code == 1
    assert "has no features to explain" in err


def test_a_published_network_of_one_energy_has_gradients_and_says_that_it_has_no_maps(
    command: Any, dataset: Path, compose_train: Callable[..., TrainConfig], tmp_path: Path
):
    pytest.importorskip("captum", reason="captum is not installed: pip install 'oresort[train]'")
    network = ("model/tower=timm", "model.tower.name=test_resnet", "model.tower.size=32", "model/fusion=low")
    plain = ("model/head=linear", "representation.size=16", "trainer.max_epochs=1", "trainer.enable_progress_bar=false")
    train(compose_train(f"data.root={dataset}", *network, *plain, small=False), tmp_path / "run")
    words = (f"data.root={dataset}", "gallery=1", "curves=2", "controls=[random]", "steps=2")
    code, out, err = command(explain, f"ckpt={tmp_path / 'run'}", *words)
    assert code == 0, err
    assert "there is no Grad-CAM of this model" in out
    record = json.loads((tmp_path / "run" / "explain" / "explain.json").read_text())
    assert [kind["key"] for kind in record["maps"]] == ["gradients_1_low"]
    assert {row["map"] for row in record["faithfulness"]} == {"gradients_1_low"}
    assert record["edges"] is None
