"""A page of results: its numbers are those of the tables beside it, and a stranger's text stays text."""

import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

from oresort import evaluate
from oresort.errors import InputError
from oresort.learn.evaluation import Evaluation
from oresort.learn.metrics import binary_metrics
from oresort.sorting import METRICS
from oresort.sorting.account import account
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point
from oresort.sorting.prices import Prices
from oresort.sorting.resample import FEWEST
from oresort.tables.account import figure_text
from oresort.tables.edges import grid
from oresort.tables.page.breakdown import breakdown
from oresort.tables.page.cases import cases
from oresort.tables.page.curves import confusion, curves, histogram, reliability
from oresort.tables.page.decided import figure_rows, partition_figure
from oresort.tables.page.evaluated import described, write_evaluation
from oresort.tables.page.intervals import figures
from oresort.tables.page.looked import SENSITIVITY, read_look

HOSTILE = '<script>alert(1)</script>{{ 7 * 7 }}$x^{$"&'


def pairs(count: int = 400, scans: int = 40, seed: int = 0, **columns: Any) -> pd.DataFrame:
    """Pairs with a signal, of scans of both classes."""
    rng = np.random.default_rng(seed)
    ore = rng.random(count) < 0.6
    p_ore = (1 / (1 + np.exp(-(2.0 * ore - 1) - rng.standard_normal(count)))).astype(np.float32)
    found = {
        "id": [f"p{i}" for i in range(count)],
        "scan": [f"s{i % scans}" for i in range(count)],
        "batch": [f"b{i % 3}" for i in range(count)],
        "label": np.where(ore, "ore", "waste"),
        "p_ore": p_ore,
        "w": rng.uniform(30, 90, count),
        "h": rng.uniform(30, 90, count),
        "grade": np.where(rng.random(count) < 0.9, rng.lognormal(-1, 1, count), np.nan),
        "mass": np.nan,
        "attenuation": rng.uniform(0.3, 1.2, count),
    }
    return pd.DataFrame(found | columns)


def evaluation(table: pd.DataFrame, threshold: float = 0.5, grade: dict[str, float] | None = None) -> Evaluation:
    """What a checkpoint that gave these answers would have been found to do."""
    import torch

    ore = torch.from_numpy((table["label"] == "ore").to_numpy(np.int64))
    metrics = binary_metrics(torch.from_numpy(table["p_ore"].to_numpy(np.float32, copy=True)), ore, threshold)
    model = {
        **{"file": "nowhere/best.ckpt", "sha256": "0" * 64, "epoch": 3, "device": "cpu", "params": 1_234},
        **{"threshold": 0.5, "temperature": 1.0, "cut": None, "pairs": "abc", "leaking_scans": 2, "leaking_images": 0},
        "model": {"tower._target_": "a.b.Tower"},
        "representation": {"_target_": "a.Attenuation", "size": 56},
    }
    predictions = table[["id", "scan"]].assign(split="test", label=table["label"], p_ore=table["p_ore"])
    own = table.drop(columns=["label", "p_ore"])
    return Evaluation(metrics, threshold, predictions, own, model, Point(threshold), Path("data"), None, grade or {})


def write_page(out: Path, *what: Any) -> Path | None:
    """Write the page of `described` of all but `out`, and no figures as files."""
    return write_evaluation(out, described(*what), ())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a page about 400 pairs."""
    out = tmp_path_factory.mktemp("page")
    assert write_page(out, evaluation(pairs()), "data", "test", 200) == out / "report.html"
    return out


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def text_of(folder: Path) -> str:
    """The page's words, without style, script and tags."""
    page = re.sub(r"<(style|script)>.*?</\1>", "", (folder / "report.html").read_text(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_figures_are_those_of_other_libraries_and_their_intervals_hold_them():
    table = pairs()
    ore, p_ore = table["label"] == "ore", table["p_ore"].to_numpy(np.float64)
    names = ("auroc", "average_precision", "mcc", "specificity", "kept")
    found = figures(table, 0.5, names, 300)
    assert found["auroc"] == pytest.approx(roc_auc_score(ore, p_ore))
    assert found["average_precision"] == pytest.approx(average_precision_score(ore, p_ore))
    assert found["mcc"] == pytest.approx(matthews_corrcoef(ore, p_ore >= 0.5))
    assert found["specificity"] == pytest.approx((p_ore[~ore] < 0.5).mean())
    assert found["kept"] == pytest.approx((p_ore >= 0.5).mean())
    for name in names:
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


def test_an_interval_over_scans_is_wider_where_pairs_of_a_scan_are_alike():
    alike = pairs(10, 10)
    alike = pd.concat([alike] * 40, ignore_index=True)  # ten different pairs, forty times each in its scan
    wide, narrow = figures(alike, 0.5, ("recall",), 400), figures(pairs(400, 400), 0.5, ("recall",), 400)
    assert wide["recall_high"] - wide["recall_low"] > 3 * (narrow["recall_high"] - narrow["recall_low"])


def test_few_scans_have_no_interval():
    found = figures(pairs(100, FEWEST - 1), 0.5, ("auroc",), 100)
    assert found["auroc"] is not None
    assert found["auroc_low"] is None
    assert found["auroc_high"] is None


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(2, 900))
def test_curves_bins_and_counts_agree_with_each_other(seed: int, threshold: float, count: int):
    table = pairs(count, seed=seed)
    table["p_ore"] = table["p_ore"].round(seed % 5)
    counted = confusion(table, threshold)
    assert sum(counted.values()) == count
    assert sum(row["pairs"] for row in reliability(table)) == count
    ore = (table["label"] == "ore").to_numpy()
    bars = histogram(table["p_ore"].to_numpy(), {"ore": ore, "waste": ~ore})
    assert (sum(bars["ore"]), sum(bars["waste"])) == (ore.sum(), count - ore.sum())
    drawn = curves(table)
    if ore.all() or not ore.any():
        assert drawn == {}
        return
    roc = drawn["roc"]
    assert (roc["false_positive_rate"][0], roc["true_positive_rate"][0]) == (0, 0)
    assert (roc["false_positive_rate"][-1], roc["true_positive_rate"][-1]) == (1, 1)
    area = np.trapezoid(roc["true_positive_rate"], roc["false_positive_rate"])
    assert area == pytest.approx(roc_auc_score(ore, table["p_ore"]), abs=5e-3)
    for cut, wrong in zip(roc["threshold"][1:], roc["false_positive_rate"][1:], strict=True):
        assert wrong == pytest.approx((table["p_ore"][~ore] >= cut).mean())


def test_groups_without_a_class_or_with_few_scans_say_so_and_get_no_figure():
    table = pairs(90, 30).assign(mine=lambda t: ["north" if scan in ("s1", "s2") else "" for scan in t["scan"]])
    table.loc[table["scan"] == "s0", "p_ore"] = 0.9
    table["deep"] = [str(0.5 * (i % 40)) for i in range(90)]
    parts, _ = breakdown(table, 0.5, 100, ["mine", "deep"])
    own = {part["title"]: {row["group"]: row for row in part["rows"]} for part in parts}
    assert own["mine"]["north"]["recall_low"] is None
    assert "2 scans: no intervals" in own["mine"]["north"]["note"]
    assert set(own["mine"]) == {"north", "not known"}
    assert len(own["deep"]) == 5  # many numbers are put together
    assert own["class"]["ore"]["specificity"] is own["class"]["ore"]["auroc"] is None
    assert own["class"]["ore"]["note"].startswith("no waste")
    assert own["class"]["ore"]["recall"] == pytest.approx((table["p_ore"][table["label"] == "ore"] >= 0.5).mean())
    sure = breakdown(table.assign(p_ore=np.where(table["label"] == "ore", 0.9, 0.1)), 0.5, 100)[0][0]["rows"]
    assert sure[0]["recall_low"] is None
    assert "recall is the same in all scans: no interval" in sure[0]["note"]


def test_figures_and_breakdown_lie_beside_an_evaluation_and_no_others(tmp_path: Path):
    first = described(evaluation(pairs()), "data", "test", 20)
    assert write_evaluation(tmp_path, first, ("png", "svg"), page=True) == tmp_path / "report.html"
    names = {"roc", "precision_recall", "confusion", "reliability", "histogram", "by_grade", "by_batch"}
    assert {f"{name}.{kind}" for name in names for kind in ("png", "svg")} < {file.name for file in tmp_path.iterdir()}
    # one class, no batches: what cannot be drawn is not left there of the other one
    bare = described(evaluation(pairs(50, label="ore", batch="", grade=np.nan)), "data", "test", 20)
    assert write_evaluation(tmp_path, bare, ("pdf",), page=False) is None
    left = {file.name for file in tmp_path.iterdir()}
    assert {"confusion.pdf", "breakdown.csv"} < left
    assert not {name for name in left if name.endswith((".png", ".svg", ".html", ".json"))}
    assert not {"roc.pdf", "by_batch.pdf", "by_grade.pdf"} & left


def test_a_column_that_the_manifest_lacks_is_refused():
    with pytest.raises(InputError, match="by: bach: no such column of the manifest; known are batch"):
        described(evaluation(pairs()), "data", "test", 0, None, None, ["bach"])


def test_the_surest_are_the_furthest_from_the_threshold():
    table = pairs(6, p_ore=[0.99, 0.98, 0.51, 0.49, 0.02, 0.01], label=["ore", "waste", "ore", "ore", "ore", "waste"])
    found = {kind: [row["id"] for row in rows] for kind, rows in cases(table, 0.5).items()}
    assert found["surest_right"] == ["p0", "p5", "p2"]
    assert found["surest_wrong"] == ["p1", "p4", "p3"]
    assert found["most_unsure"][:2] in (["p2", "p3"], ["p3", "p2"])


def test_numbers_on_the_page_are_those_of_the_json_and_the_tables(written: Path):
    found, page = read(written), (written / "report.html").read_text()
    for name in METRICS:
        assert f"<dd>{100 * found['figures'][name]:.2f}" in page, name
    rows = pd.read_csv(written / "breakdown.csv", dtype={"group": str})
    assert set(rows["by"]) == {"class", "size", "attenuation", "grade", "batch", "scan"}
    assert len(rows) == sum(len(part["rows"]) for part in found["breakdown"])
    for part in found["breakdown"]:
        own = rows[rows["by"] == part["by"]].reset_index(drop=True)
        assert own["pairs"].sum() == 400
        for i, row in enumerate(part["rows"][:20]):
            assert own["group"][i] == row["group"]
            if row["recall"] is None:  # of waste alone
                assert np.isnan(own["recall"][i])
                continue
            assert own["recall"][i] == pytest.approx(row["recall"])
            assert f'data-v="{row["recall"]}"' in page
    assert all(f">{value:,}<" in page for value in found["confusion"].values())
    assert found["methods"] in text_of(written)


def test_what_is_not_known_is_left_out_by_name(written: Path, tmp_path: Path):
    out = {entry["what"]: entry["why"] for entry in read(written)["left_out"]}
    assert out["mass"] == "the manifest has no mass"
    assert "grade" not in out
    (grades,) = (part for part in read(written)["breakdown"] if part["by"] == "grade")
    assert "not known" in [row["group"] for row in grades["rows"]]  # a tenth has none
    bare = pairs(60, 3).drop(columns=["w", "h", "batch"]).assign(grade=np.nan, attenuation=np.nan)
    write_page(tmp_path, evaluation(bare), "data", "test", 100)
    out = {entry["what"]: entry["why"] for entry in read(tmp_path)["left_out"]}
    assert {"size", "thickness", "grade", "mass", "batch", "intervals", "training"} <= set(out)
    words = text_of(tmp_path)
    assert all(f"{what}: {why}" in words for what, why in out.items())


@pytest.mark.parametrize("label", ["ore", "waste"])
def test_pairs_of_one_class_make_a_page_without_what_is_undefined(label: str, tmp_path: Path):
    write_page(tmp_path, evaluation(pairs(50, label=label)), "data", "test", 50)
    found = read(tmp_path)
    assert found["figures"]["auroc"] is None
    assert found["curves"] == {}
    assert "AUROC -" in text_of(tmp_path)


def test_leakage_stands_at_the_top(written: Path):
    assert "leakage: 2 scans on several sides" in text_of(written).split("Figures, per cent")[0]


def test_a_strangers_text_stays_text(tmp_path: Path):
    table = pairs(120, scan=[f"{HOSTILE} {i % 30}" for i in range(120)], batch=HOSTILE)
    table["id"] = [f"{HOSTILE} {i}" for i in range(120)]
    write_page(tmp_path, evaluation(table), HOSTILE, "test", 50)
    page = (tmp_path / "report.html").read_text()
    assert page.count("<script>") == 1
    assert "{{ 7 * 7 }}" in text_of(tmp_path)
    assert HOSTILE in text_of(tmp_path)
    assert not re.search(r"<(?!meta|link)[^>]*\b(on\w+|style)=", page)  # nothing but the file's own script and style


def test_many_pairs_stay_below_ten_megabytes(tmp_path: Path):
    write_page(tmp_path, evaluation(pairs(31_057, 2_000)), "data", "test", 20)
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    assert (tmp_path / "report.json").stat().st_size < 10_000_000


def test_evaluate_writes_the_page_of_a_run(command: Any, trained: Path, dataset: Path, tmp_path: Path):
    ckpt = f"ckpt={trained / 'checkpoints' / 'best.ckpt'}"
    code, said, _ = command(evaluate, ckpt, f"data.root={dataset}", f"out={tmp_path}", "page=true", "resamples=20")
    assert code == 0
    assert f"page: {tmp_path / 'report.html'}" in said
    found, table = read(tmp_path), pd.read_csv(tmp_path / "predictions.csv")
    kept = json.loads((tmp_path / "evaluation.json").read_text())
    assert found["data"]["pairs"] == len(table)
    assert all(found["figures"][name] == kept[f"test/{name}"] for name in METRICS)
    assert found["run"]["data"] == found["data"]["hash"]
    assert "of another dataset" not in text_of(tmp_path)


def test_a_page_needs_a_folder_and_no_run_is_overwritten(command: Any, trained: Path, dataset: Path):
    words = (f"ckpt={trained}", f"data.root={dataset}", "page=true")
    code, _, said = command(evaluate, *words)
    assert (code, said) == (1, "error: page=true: no folder for it; give one as out=DIR\n")
    before = (trained / "predictions.csv").read_bytes()
    code, _, said = command(evaluate, *words, f"out={trained}")
    assert code == 1
    assert "the folder of a run, whose predictions.csv would be replaced; name another" in said
    assert (trained / "predictions.csv").read_bytes() == before


def looked(folder: Path, model: dict[str, Any], **changes: Any) -> Path:
    """Write what `explain` leaves of one pair."""
    numbers = dict.fromkeys(("mass", "mass_low", "mass_high", "rank", "rank_low", "rank_high", "area", "pairs"), 0.5)
    moved = dict.fromkeys(SENSITIVITY, 0.25) | {"change": "10 % thicker"}
    case = {"id": HOSTILE, "scan": "1", "label": "ore", "called": "waste", "p_ore": 0.4, "changes": {}}
    record = {
        **{"sha256": model["sha256"], "data": model["pairs"], "split": "test", "looked_at": 1, "notes": [HOSTILE]},
        "shares": [{"model": "trained", "name": "Grad-CAM", "region": "rim", **numbers}],
        "sensitivity": [moved],
        "galleries": {"surest wrong": [case | {"picture": "pairs/00001.png"}]},
    }
    (folder / "pairs").mkdir(parents=True)
    Image.new("RGB", (300, 60)).save(folder / "pairs" / "00001.png")
    (folder / "explain.json").write_text(json.dumps(record | changes))
    return folder


def test_what_explain_found_of_the_same_model_and_pairs_is_shown(tmp_path: Path):
    found = evaluation(pairs(60))
    folder = looked(tmp_path / "look", found.model)
    write_page(tmp_path / "out", found, "data", "test", 20, folder)
    assert "10 % thicker" in text_of(tmp_path / "out")
    assert HOSTILE in text_of(tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_text().count('src="data:image/jpeg') == 1
    assert "maps and galleries" not in [entry["what"] for entry in read(tmp_path / "out")["left_out"]]


def functions(count: int) -> dict[str, Any]:
    """Edges of a KAN head as `explain` records them, each function a slope of its own."""
    rows = [
        {"layer": 0, "input": i, "output": 1, "importance": 1.0 + i, "y": (i * grid()).tolist()} for i in range(count)
    ]
    return {"layers": [{"layer": 0, "edges": 12, "hold half of the importance": 2}], "functions": rows}


def test_functions_of_a_kan_head_stand_beside_the_maps(tmp_path: Path):
    found = evaluation(pairs(60))
    for name, edges in (("with", functions(3)), ("without", None)):
        folder = looked(tmp_path / f"look {name}", found.model, edges=edges)
        write_page(tmp_path / name, found, "data", "test", 0, folder)
        assert read(tmp_path / name)["look"]["edges"] == edges
    assert "Functions of the KAN head" in text_of(tmp_path / "with")
    assert "Functions of the KAN head" not in text_of(tmp_path / "without")
    drawn = [(tmp_path / name / "report.html").read_text().count("data:image/svg") for name in ("with", "without")]
    assert drawn[0] == drawn[1] + 1


def test_the_partition_curve_is_that_of_the_figures():
    told = {
        "partition": {"grade": [0.1, 1.0, 10.0], "number": [0.0, 0.5, 1.0]},
        "figures": {
            "cut_grade": {"value": 1.0, "low": 0.8, "high": 1.25},
            "ep": {"value": 0.2, "low": None, "high": None},
        },
    }
    (axes,) = partition_figure(told).axes
    dots, _, line, _ = axes.lines
    assert dots.get_xydata() == pytest.approx(np.array([[0.1, 0], [1, 50], [10, 100]]))
    x, y = line.get_data()
    # by what Ep means: 75 % is kept at 0.2 decades above the cut, 25 % at 0.2 below it
    assert np.interp([-0.2, 0, 0.2], np.log10(x), y) == pytest.approx([25, 50, 75], abs=0.1)
    (axes,) = partition_figure({**told, "figures": {}}).axes  # the piles do not overlap: there is no curve
    assert len(axes.lines) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"edges": []}, "edges: not what explain writes"),
        ({"edges": {**functions(1), "layers": [{}]}}, "layers: not the rows"),
        ({"edges": {**functions(1), "functions": []}}, "functions: not 121 finite"),
        (
            {"edges": {"layers": [], "functions": [functions(1)["functions"][0] | {"y": [float("nan")] * 121}]}},
            "finite",
        ),
        ({"sha256": "1" * 64}, "sha256 '1111"),
        ({"data": "xyz"}, "data 'xyz', here it is 'abc'"),
        ({"split": "val"}, "split 'val'"),
        ({"galleries": []}, "no galleries"),
        ({"shares": [{"model": "trained"}]}, "shares: not the rows"),
        ({"sensitivity": [dict.fromkeys(SENSITIVITY, "x")]}, "sensitivity: not the rows"),
    ],
)
def test_what_explain_found_of_another_is_refused(tmp_path: Path, changes: dict[str, Any], says: str):
    found = evaluation(pairs(60))
    with pytest.raises(InputError, match=says):
        read_look(looked(tmp_path, found.model, **changes), found.model, "test")


def test_a_look_shows_no_picture_of_elsewhere(tmp_path: Path):
    found = evaluation(pairs(60))
    folder = looked(tmp_path, found.model)
    record = json.loads((folder / "explain.json").read_text())
    for place in ("../secret.png", "/etc/passwd", "pairs/../../a.png"):
        record["galleries"]["surest wrong"][0]["picture"] = place
        (folder / "explain.json").write_text(json.dumps(record))
        with pytest.raises(InputError, match="is none of its own"):
            read_look(folder, found.model, "test")


def test_what_a_plant_gets_is_told_with_its_numbers(tmp_path: Path):
    table = pairs(200).assign(grade=lambda rows: np.where(rows["label"] == "ore", 0.6, 0.1), mass=2.0)
    found = evaluation(table)
    values = (table[name].to_numpy() for name in ("p_ore", "scan", "mass", "grade"))
    p_ore, scan, mass, grade = values
    lot = Lot(p_ore, (table["label"] == "ore").to_numpy(), scan.astype(str), mass, "manifest", grade, 200)
    prices = Prices(metal_price=9_000, payable=0.96, mill_recovery=0.85, mill_cost=10, dump_cost=0.5, sort_cost=1.5)
    told = account(lot, Point(0.5), prices)
    write_page(tmp_path, found, "data", "test", 50, None, told)
    page, words = read(tmp_path), text_of(tmp_path)
    assert page["sorting"]["figures"]["mass_yield"]["value"] == pytest.approx((p_ore >= 0.5).mean())
    headline = told.headline()
    assert headline[0].upper() + headline[1:] in words
    for name, known in page["sorting"]["figures"].items():
        title = "value, $ per tonne of feed" if name == "value" else name.replace("_", " ")
        assert f"{title} {figure_text(name, known['value'])} " in words
    assert f"sorted {page['sorting']['money']['value']['value']:.2f}" in words
    assert "nobody would mill it" not in words
    # at a fifth of the price milling all of it loses money, and a gain over that stands with a warning
    told = account(lot, Point(0.5), prices.at(0.2))
    write_page(tmp_path, found, "data", "test", 50, None, told)
    words = text_of(tmp_path)
    place = words.index("What a plant gets Keep")
    assert "Without sorting this feed loses" in words[place : place + 400]


def test_piles_without_a_partition_curve_have_a_page(tmp_path: Path):
    table = pairs(60).assign(grade=lambda rows: np.where(rows["label"] == "ore", 0.6, 0.1), mass=2.0)
    table["p_ore"] = 1 - table["p_ore"]  # the richer is thrown out
    p_ore, scan, mass, grade = (table[name].to_numpy() for name in ("p_ore", "scan", "mass", "grade"))
    lot = Lot(p_ore, (table["label"] == "ore").to_numpy(), scan.astype(str), mass, "manifest", grade, 60)
    write_page(tmp_path, evaluation(table), "data", "test", 20, None, account(lot, Point(0.5)))
    page, words = read(tmp_path), text_of(tmp_path)
    assert "cut_grade" not in page["sorting"]["figures"]
    assert "the piles give no curve through them" in words


def test_labels_by_grade_are_named_at_the_top(tmp_path: Path):
    write_page(tmp_path, evaluation(pairs(60), grade={"cutoff": 0.3}), "data", "test", 20)
    assert "ore: a grade of at least 0.3 wt %" in text_of(tmp_path).split("Figures, per cent")[0]


def test_money_is_no_share():
    expected = {
        "gain": {"value": 1.234, "low": -0.5, "high": 2.0},
        "mass_yield": {"value": 0.6, "low": None, "high": None},
    }
    gain, share = figure_rows(expected, {"currency": "EUR"})
    assert (gain["figure"], gain["text"], gain["between"]) == ("gain, EUR per tonne of feed", "1.23", "-0.50 to 2.00")
    assert (share["text"], share["between"]) == ("60.00", "-")


def test_what_no_grade_tells_of_is_left_out(tmp_path: Path):
    table = pairs(200)
    ore = (table["label"] == "ore").to_numpy()
    lot = Lot(table["p_ore"].to_numpy(), ore, table["scan"].to_numpy(str), np.ones(200), "image", None, 0)
    write_page(tmp_path, evaluation(table), "data", "test", 50, None, account(lot, Point(0.5)))
    reasons = {entry["why"]: entry["what"] for entry in read(tmp_path)["left_out"]}
    assert "product grade" in reasons["the manifest has a grade for 0 of 200 particles"]
    assert "value" in reasons["no prices; give prices=FILE, docs/prices.yaml explains every key"]
    assert "Masses are those of the image: attenuation summed over a particle" in text_of(tmp_path)
