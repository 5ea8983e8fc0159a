"""Tables of made runs, whose means, deviations and differences are known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort import report
from oresort.paths import CONF_DIR
from oresort.sorting import METRICS
from oresort.tables.collect import collect, paper_tables
from oresort.tables.plot import report_figure
from oresort.tables.summary import summarise
from oresort.tables.text import sections


def make_run(folder: Path, row: str, seed: int, shift: float, **changes: Any) -> None:
    """Write what `report` reads of a run; `shift` moves the probabilities of ore up."""
    rng = np.random.default_rng(seed)
    ore = np.arange(120) % 3 > 0
    p = np.clip(0.5 + shift * (2 * ore - 1) + 0.2 * rng.standard_normal(120), 0, 1)
    folder.mkdir(parents=True)
    pd.DataFrame(
        {
            "id": np.arange(120), "scan": np.arange(120) // 10, "split": "test",
            "label": np.where(ore, "ore", "waste"), "p_ore": p,
        }
    ).to_csv(folder / "predictions.csv", index=False)  # fmt: skip
    content = {
        "status": "finished", "name": "ablation_head", "seed": seed, "config.row": row,
        "config.reference": "KAN 6", "config.name": "ablation_head", "config.scale.name": "cpu",
        "config.recipe.name": "default", "config.trainer.max_epochs": 8, "config.model.head": row,
        "config.seed": seed, "data": "abc", "params": 1_315_868, "threshold": 0.5,
        "pairs/train": 2800, "pairs/val": 600, "pairs/test": 120,
    }  # fmt: skip
    content |= {f"test/{m}": min(0.8 + shift + 0.01 * seed, 1) for m in METRICS}
    (folder / "metrics.json").write_text(json.dumps(content | changes))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for seed in (1, 2, 3):
        make_run(tmp_path / "runs" / f"kan-{seed}", "KAN 6", seed, 0.10)
        make_run(tmp_path / "runs" / f"mlp-{seed}", "MLP 6", seed, 0.02)
    make_run(tmp_path / "runs" / "lost", "KAN 4", 1, 0.0, status="failed", error="out of | memory")
    return tmp_path / "runs"


def test_rows_have_mean_deviation_difference_and_the_papers_figures(runs: Path):
    table, failed, folders, _ = summarise(collect(runs), resamples=200)
    assert table["row"].tolist() == ["KAN 6", "MLP 6"]  # the best first
    assert [sorted(Path(run).name for run in row) for row in folders] == [
        [f"{row}-{seed}" for seed in (1, 2, 3)] for row in ("kan", "mlp")
    ]
    kan, mlp = table.iloc[0], table.iloc[1]
    assert kan["n"] == 3
    assert kan["auroc_mean"] == pytest.approx(0.92)
    assert kan["auroc_std"] == pytest.approx(0.01)
    assert np.isnan(kan["difference"])
    assert mlp["difference_low"] < mlp["difference"] < mlp["difference_high"] < 0
    assert (kan["paper_auroc"], mlp["paper_auroc"]) == (85.66, 84.81)
    assert failed["row"].tolist() == ["KAN 4"]


def test_runs_of_other_pairs_or_scale_are_not_mixed(runs: Path):
    make_run(runs / "other", "KAN 6", 1, 0.3, data="xyz")
    table, *_ = summarise(collect(runs), resamples=0)
    assert sorted(table.loc[table["row"] == "KAN 6", "n"]) == [1, 3]


def test_the_newer_of_two_runs_of_one_seed_counts(runs: Path):
    make_run(runs / "again", "KAN 6", 1, 0.10, **{"test/auroc": 0.5})
    with pytest.warns(UserWarning, match="kan-1: left out, for .*again is newer"):
        table, *_ = summarise(collect(runs), resamples=0)
    assert table.loc[table["row"] == "KAN 6", "auroc_mean"].item() == pytest.approx((0.5 + 0.92 + 0.93) / 3)


def test_an_older_run_that_came_to_something_else_is_named(runs: Path, recwarn: pytest.WarningsRecorder):
    make_run(runs / "new", "KAN 6", 2, 0.10)  # the same again
    summarise(collect(runs), resamples=0)
    assert not recwarn
    make_run(runs / "newer", "KAN 6", 2, 0.20)  # as of other images under the same names
    with pytest.warns(UserWarning, match=r"left out, for .*newer is newer and of the same pairs") as told:
        table, *_ = summarise(collect(runs), resamples=0)
    assert sorted(Path(str(one.message).split(": ")[0]).name for one in told) == ["kan-2", "new"]
    assert table.set_index("row").loc["KAN 6", "n"] == 3


def test_the_report_is_written_in_every_form(command: Any, runs: Path):
    code, out, err = command(report, f"runs={runs}", "resamples=100")
    assert code == 0, err
    assert "scale=cpu: 2,800 + 600 + 120 pairs" in out
    assert "85.66±0.12" in out
    text = (runs / "report.md").read_text()
    assert "| KAN 6 | 3 | 1.32 | 92.00±1.00 | reference |" in text
    assert r"out of \| memory" in text
    tex = (runs / "report.tex").read_text()
    assert r"92.00$\pm$1.00" in tex
    assert tex.count("\\\\\n") == 3  # the heading and two rows
    assert r"ablation\_head" in tex
    assert len(pd.read_csv(runs / "report.csv")) == 2
    assert sorted(file.name for file in runs.glob("report-*")) == ["report-ablation-head-cpu-default.png"]


def drawn(runs: Path, metric: str = "auroc") -> Figure:
    (section,) = sections(summarise(collect(runs), "test", metric, 100), "test", metric)
    return report_figure(section, metric)


def points(axes: Axes) -> list[list[tuple[float, float]]]:
    """Positions of each series of markers."""
    return [[(float(x), float(y)) for x, y in line.get_xydata()] for line in axes.lines if line.get_marker() in "oD"]


def test_the_picture_shows_each_row_the_papers_and_the_difference(runs: Path):
    table = summarise(collect(runs), resamples=100).table
    left, right = drawn(runs).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["MLP 6", "KAN 6"]  # the best at the top
    here, paper = points(left)
    assert here == [(pytest.approx(84), 0), (pytest.approx(92), 1)]
    assert paper == [(pytest.approx(84.81), 0), (pytest.approx(85.66), 1)]
    assert points(right) == [[(pytest.approx(100 * table.loc[1, "difference"]), 0)]]


def test_no_name_is_cut_off_and_no_point_is_covered(runs: Path):
    for seed in (1, 2, 3):
        make_run(runs / f"long-{seed}", "a name of a row that goes on and on, " * 6, seed, 0.05)
    figure = drawn(runs)
    figure.draw_without_rendering()  # a layout that does not fit is a warning, and an error here
    for axes in figure.axes:
        whole = axes.get_tightbbox()  # with its labels
        assert 0 <= whole.x0 < whole.x1 <= figure.bbox.x1
        assert not figure.legends[0].get_window_extent().overlaps(axes.get_window_extent())


def test_rows_are_called_by_the_keys_in_which_they_differ(runs: Path, tmp_path: Path):
    plain = {"name": "train", "config.name": "train"}
    for seed, lr, head in ((1, 0.01, "x.KAN"), (2, 0.01, "x.KAN"), (1, 0.1, "x.MLP"), (1, 0.2, "x.MLP")):
        # who watches and how fast pairs come makes no other row
        other = {
            "config.data.workers": seed,
            "config.logger.mode": str(seed),
            "config.trainer.enable_x": seed,
        }
        words = {"config.optim.lr": lr, "config.model.head._target_": head}
        make_run(runs / f"plain-{lr}-{seed}", "", seed, lr, **plain, **words, **other)
    parts = list(sections(summarise(collect(runs), resamples=10), "test"))
    assert [part.title for part in parts] == ["runs", "ablation_head"]
    named = parts[0].cells[["row", "n"]].to_numpy().tolist()
    # the first key is enough to tell them apart
    assert named == [
        ["lr 0.2", "1"],
        ["lr 0.1", "1"],
        ["lr 0.01", "2"],
    ]
    make_run(
        runs / "plain-other",
        "",
        1,
        0.01,
        **plain,
        **{"config.optim.lr": 0.2, "config.model.head._target_": "x.KAN"},
    )
    (cells, *_) = [part.cells for part in sections(summarise(collect(runs), resamples=10), "test")]
    assert cells["row"].tolist()[0] == "lr 0.2, head MLP"
    assert "lr 0.2, head KAN" in cells["row"].tolist()
    for part in parts:
        assert len(part.cells.columns) == 6


def test_bad_questions_are_one_line(command: Any, runs: Path):
    for words, expected in (
        (("metric=luck",), "metric=luck"),
        (("resamples=-1",), "resamples"),
        (("split=x",), "split=x"),
        (("columns=[aurocc]",), "did you mean auroc"),
        (("columns=[head.degree]",), "columns: head.degree: no such column"),
        (("reference=MLP",), "reference=MLP: no row is called so; rows are MLP 6"),
        (("figures=[jpg]",), "figures"),
    ):
        code, _, err = command(report, f"runs={runs}", *words)
        assert code == 1
        assert expected in err
        assert not (runs / "report.md").exists()


def test_columns_are_chosen_by_metrics_and_keys(command: Any, runs: Path):
    code, _, err = command(report, f"runs={runs}", "columns=[n,mcc,head,pairs_test,difference]", "resamples=100")
    assert code == 0, err
    text = (runs / "report.md").read_text()
    assert "| row | n | mcc | head | pairs_test | Δ auroc [95%] |" in text
    assert "| KAN 6 | 3 | 92.00±1.00 | KAN 6 | 120 | reference |" in text


def test_minutes_of_several_machines_are_not_compared_silently(command: Any, tmp_path: Path):
    def told(**devices: tuple[str | None, ...]) -> str:
        for row, own in devices.items():
            for seed, device in enumerate(own):
                time = {"fit_seconds": 60.0 * (seed + 1)} | ({} if device is None else {"device": device})
                make_run(tmp_path / str(len(list(tmp_path.iterdir()))) / f"{row}-{seed}", row, seed, 0.1, **time)
        runs = tmp_path / str(len(list(tmp_path.iterdir())))
        runs.mkdir()
        for folder in sorted(tmp_path.glob("*/*")):
            folder.rename(runs / folder.name)
        code, _, err = command(report, f"runs={runs}", "columns=[minutes]", "resamples=0")
        assert code == 0, err
        return (runs / "report.md").read_text() + err

    alone = told(a=("X, 2 threads", "X, 2 threads"), b=("X, 2 threads",))
    assert "; minutes of training on X, 2 threads" in alone
    assert "| a | 1.5 |" in alone
    assert "| b | 1.0 |" in alone
    several = told(c=("Y",))
    assert "| a | 1.5 (X, 2 threads) |" in several
    assert "| c | 1.0 (Y) |" in several
    assert "minutes of training on" not in several
    mixed = told(d=("X, 2 threads", "Y"), e=("X, 2 threads", None), f=(None,))
    for row in "def":
        assert f"| {row} | - |" in mixed
    assert "d: no minutes: its runs were on X, 2 threads or Y" in mixed
    assert "e: no minutes: its runs were on X, 2 threads, or for a time" in mixed


def plain(folder: Path, seed: int, shift: float, **config: Any) -> None:
    """Make a run of no experiment; keys of `config` have `__` for a dot."""
    words = {f"config.{key.replace('__', '.')}": value for key, value in config.items()}
    rest = {"name": "train", "config.name": "train", "config.reference": "", "config.data.root": "/mnt/disk/ore"}
    make_run(folder, "", seed, shift, **{**rest, **words})


def test_any_row_can_be_the_reference(command: Any, tmp_path: Path):
    for decay, shift in ((0.0, 0.02), (0.01, 0.1)):
        for seed in (1, 2):
            plain(tmp_path / "runs" / f"{decay}-{seed}", seed, shift, optim__weight_decay=decay)
    code, _, err = command(report, f"runs={tmp_path / 'runs'}", "reference='weight_decay 0'", "resamples=100")
    assert code == 0, err
    table = pd.read_csv(tmp_path / "runs" / "report.csv").set_index("row")
    assert list(table.index) == ["weight_decay 0.01", "weight_decay 0"]
    assert 0 < table.loc["weight_decay 0.01", "difference_low"] < table.loc["weight_decay 0.01", "difference"]
    assert "| weight_decay 0 | 2 | 1.32 | 83.50±0.71 | reference |" in (tmp_path / "runs" / "report.md").read_text()
    assert "/mnt" not in (tmp_path / "runs" / "report.md").read_text()


def test_figures_of_other_pairs_are_never_compared(command: Any, tmp_path: Path):
    plain(tmp_path / "runs" / "a", 1, 0.1, data__split_seed=0)
    plain(tmp_path / "runs" / "b", 1, 0.1, data__split_seed=3)
    plain(tmp_path / "runs" / "c", 1, 0.2, data__split_seed=0, data__root="/mnt/disk/gold")
    for run, name in (("b", "other"), ("c", "gold")):
        file = tmp_path / "runs" / run / "metrics.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"data": name}))
    found = summarise(collect(tmp_path / "runs"), resamples=0)
    assert set(found.table["row"]) == {
        f"split_seed {seed}, data {name}" for seed, name in ((0, "ore"), (3, "ore"), (0, "gold"))
    }
    reference = found.table["row"][found.table["data"] == "abc"].item()
    code, _, err = command(report, f"runs={tmp_path / 'runs'}", f"reference='{reference}'", "resamples=10")
    assert code == 0, err
    assert err.count(f"no difference to the reference row: {reference} saw other pairs") == 2
    assert r"\textbf" not in (tmp_path / "runs" / "report.tex").read_text()
    assert "rows are of 3 sets of pairs" in (tmp_path / "runs" / "report.md").read_text()


def test_a_row_is_named_by_all_folders_of_its_pairs_and_by_nothing_that_is_not_set(tmp_path: Path):
    runs = {"a": ("/mnt/disk/ore", "abc"), "b": ("/home/ore", "abc"), "c": ("/mnt/disk/gold", "xyz")}
    for seed, (run, (root, data)) in enumerate(runs.items()):
        more = {"data__folds": 5, "data__fold": 0} if run == "c" else {"data__folds": None, "data__fold": None}
        plain(tmp_path / run, seed, 0.1, data__root=root, data__split_seed=0, **more)
        file = tmp_path / run / "metrics.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"data": data, "dataset": data}))
    found = summarise(collect(tmp_path), resamples=0).table
    assert set(found["row"]) == {"data disk/ore and home/ore", "folds 5, data disk/gold"}


def classic(folder: Path, method: str, shift: float, **changes: Any) -> None:
    """Make the run of a classical sorter, which knows neither scale nor recipe."""
    plain(folder, 1, shift, method___target_=f"oresort.classic.rules.{method}", name="classic")
    file = folder / "metrics.json"
    row = {k: v for k, v in json.loads(file.read_text()).items() if "scale" not in k and "recipe" not in k}
    row = {k: v for k, v in row.items() if not k.startswith(("config.model", "config.trainer", "config.row"))}
    file.write_text(json.dumps(row | {"name": "classic", "params": None, "config.data.limit": None} | changes))


def test_a_classical_sorter_of_the_same_pairs_stands_in_the_experiments_table(runs: Path):
    classic(runs / "classic" / "0", "RValue", 0.01)
    classic(runs / "classic" / "1", "TwoThresholds", 0.05)
    classic(runs / "classic" / "2", "RValue", 0.3, data="xyz")  # of other pairs
    table = summarise(collect(runs), resamples=100).table
    head = table[table["table"] == "ablation-head-cpu-default"].set_index("row")
    assert list(head.index) == ["KAN 6", "method TwoThresholds", "MLP 6", "method RValue"]
    assert head["difference"].isna().tolist() == [True, False, False, False]
    alone = table[table["table"] == "runs"]
    assert alone[["row", "data"]].to_numpy().tolist() == [["method RValue", "xyz"]]


def test_how_pairs_were_chosen_splits_no_row_when_the_pairs_are_the_same(runs: Path):
    classic(runs / "classic" / "0", "RValue", 0.01)
    classic(runs / "classic" / "1", "RValue", 0.01, seed=2, **{"config.data.limit": 4000})
    table = summarise(collect(runs), resamples=0).table.set_index("row")
    assert table.loc["method RValue", "n"] == 2


def test_rows_that_an_experiment_calls_alike_are_told_apart(runs: Path):
    make_run(runs / "twin", "MLP 6", 1, 0.05, **{"config.trainer.max_epochs": 9})
    table = summarise(collect(runs), resamples=100).table
    assert {"MLP 6, max_epochs 8", "MLP 6, max_epochs 9"} < set(table["row"])
    assert (table["paper_auroc"].notna()).all()
    assert table["difference"].notna().sum() == 2


def test_whole_numbers_stay_whole_beside_a_classical_sorter(tmp_path: Path):
    for epochs in (1, 2):
        plain(tmp_path / "runs" / str(epochs), 1, 0.1, trainer__max_epochs=epochs, data__batch_size=64)
    classic(tmp_path / "runs" / "classic", "RValue", 0.01)
    found = summarise(collect(tmp_path / "runs"), resamples=0)
    assert set(found.table["row"]) == {"max_epochs 1", "max_epochs 2", "method RValue"}
    assert "2.0" not in found.table[["trainer.max_epochs", "epochs"]].to_csv()


def test_a_figure_is_written_in_each_form_asked_for_and_older_ones_go(command: Any, runs: Path):
    slug = "report-ablation-head-cpu-default"
    for words, kinds in (("[png,pdf,svg]", ("pdf", "png", "svg")), ("[pdf]", ("pdf",)), ("[]", ())):
        code, _, err = command(report, f"runs={runs}", "resamples=0", f"figures={words}")
        assert code == 0, err
        assert sorted(file.name for file in runs.glob("report-*")) == [f"{slug}.{kind}" for kind in kinds]
        if "pdf" in kinds:
            content = (runs / f"{slug}.pdf").read_bytes()
            assert b"/FontFile2" in content  # its letters lie in it, as TrueType
            assert b"/Type3" not in content


def test_a_run_without_its_predictions_is_named(command: Any, runs: Path):
    (runs / "kan-1" / "predictions.csv").unlink()
    code, _, err = command(report, f"runs={runs}")
    assert code == 1
    assert "kan-1/predictions.csv" in err


@pytest.mark.parametrize(
    ("column", "changed"),
    [("label", {"ore": "waste", "waste": "ore"}), ("scan", {"0": "11"}), ("id", {"0": "x"})],
)
def test_runs_of_the_same_pairs_must_have_predicted_the_same(
    command: Any, runs: Path, column: str, changed: dict[str, str]
):
    file = runs / "mlp-2" / "predictions.csv"
    table = pd.read_csv(file, dtype=str)
    table[column] = table[column].replace(changed)
    table.to_csv(file, index=False)
    code, _, err = command(report, f"runs={runs}", "resamples=10")
    assert code == 1
    assert f"{file}: other pairs, labels or scans than in {runs / 'kan-1'}" in err
    assert "difference" not in pd.read_csv(runs / "report.csv").dropna(axis=1, how="all")
    assert f"MLP 6: no difference to the reference row: {runs / 'mlp-2'} is damaged" in (runs / "report.md").read_text()


def test_what_was_found_of_leakage_stands_with_every_table(command: Any, runs: Path):
    make_run(runs / "leaky", "MLP 6", 4, 0.02, leaking_scans=3, leaking_images=1)
    make_run(runs / "plain", "", 1, 0.02, **{"name": "x", "config.name": "x", "leaking_images": 2})
    code, out, err = command(report, f"runs={runs}", "resamples=10")
    assert code == 0
    rows = {
        "MLP 6": "leakage: 3 scans and 1 image on several sides of the split",
        "x": "leakage: 2 images on several sides of the split",
    }
    for name, words in rows.items():
        for text in (err, (runs / "report.md").read_text(), (runs / "report.tex").read_text()):
            assert f"{name}: {words}" in text
    assert err.count("leakage:") == 2  # rows without any say nothing
    table = pd.read_csv(runs / "report.csv").set_index("row")
    assert table.loc["MLP 6", "leaking_scans"] == 3
    assert np.isnan(table.loc["KAN 6", "leaking_scans"])
    assert "reference" in out


def test_a_difference_that_is_missing_says_why(command: Any, runs: Path):
    for seed in (1, 2, 3):
        make_run(runs / f"twin-{seed}", "KAN 6", seed, 0.05, **{"config.model.head": "another"})
    code, _, err = command(report, f"runs={runs}", "resamples=10")
    assert code == 0, err
    assert "MLP 6: no difference to the reference row: 2 rows here are its reference KAN 6" in err
    assert "no difference to the reference row" in (runs / "report.md").read_text()


def test_a_figure_that_one_run_lacks_has_no_mean(runs: Path):
    make_run(runs / "none", "MLP 6", 4, 0.02, **{"test/precision": None})
    table = summarise(collect(runs), resamples=10).table.set_index("row")
    assert np.isnan(table.loc["MLP 6", "precision_mean"])
    assert table.loc["MLP 6", "recall_mean"] > 0


@pytest.mark.parametrize("content", ["", "[" * 100_000, "{}", json.dumps({"status": "finished"})])
def test_a_damaged_record_is_named_and_the_others_are_reported(command: Any, runs: Path, content: str):
    (runs / "kan-1" / "metrics.json").write_text(content)
    code, out, err = command(report, f"runs={runs}", "resamples=10")
    assert code == 1
    assert [line for line in err.splitlines() if line.startswith("error:")] == err.splitlines()[-1:]
    assert "kan-1/metrics.json" in err.splitlines()[-1]
    assert "the report is of the others" in err
    table = pd.read_csv(runs / "report.csv").set_index("row")
    assert table.loc["KAN 6", "n"] == 2
    assert "8 epochs" in out  # whole numbers stay such beside a run that has none
    assert "kan-1" in (runs / "report.md").read_text()


def test_a_run_that_goes_on_still_is_named_and_no_error(command: Any, runs: Path):
    (runs / "lost" / "metrics.json").write_text(json.dumps({"status": "running", "name": "ablation_head", "seed": 1}))
    code, out, err = command(report, f"runs={runs}", "resamples=10")
    assert code == 0, err
    assert "running" in out


def test_where_all_runs_are_damaged_no_table_looks_whole(command: Any, tmp_path: Path):
    make_run(tmp_path / "runs" / "a", "KAN 6", 1, 0.1)
    (tmp_path / "runs" / "a" / "metrics.json").write_text("x")
    code, _, err = command(report, f"runs={tmp_path / 'runs'}", "page=true")
    assert code == 1
    assert "runs/a/metrics.json" in err
    assert "No run has finished." in (tmp_path / "runs" / "report.html").read_text()


def test_every_printed_row_of_the_paper_is_a_row_of_an_experiment():
    experiments = {}
    for file in (CONF_DIR / "experiment").glob("*.yaml"):
        content = yaml.safe_load(file.read_text())
        groups = [key for key in content.get("hydra", {}).get("sweeper", {}).get("params", {}) if "ablation" in key]
        files = [f for group in groups for f in (CONF_DIR / group).glob("*.yaml")]
        experiments[file.stem] = {yaml.safe_load(f.read_text())["row"] for f in files} or {content.get("row")}
    paper = paper_tables()
    assert len(paper) == 9 + 3 + 4 + 6 + 1
    for experiment, row in zip(paper["experiment"], paper["row"], strict=True):
        assert row in experiments[experiment]
