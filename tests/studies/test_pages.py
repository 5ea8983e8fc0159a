"""The pages of experiments/ show what their files hold."""

import re
from pathlib import Path

import pandas as pd
import pytest

from oresort.errors import InputError
from studies.pages import TABLE, filled, markdown, pages

ROOT = Path(__file__).parents[2]
EXPERIMENTS = ROOT / "experiments"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pd.DataFrame(
        {
            "row": ["KAN, 6", "MLP"],
            "auroc_mean": [0.73754, 0.786],
            "auroc_std": [0.03, None],
            "gain": [None, 0.0488],
            "gain_low": [None, 0.033],
            "gain_high": [None, 0.066],
            "neck": [0.9, 0.95],
        }
    ).to_csv(tmp_path / "a.csv", index=False)
    return tmp_path


def test_means_intervals_and_headings(folder: Path):
    assert markdown(folder, "a.csv | row | auroc:.2% as test AUROC | gain:+.1%") == (
        "| row | test AUROC, % | gain, % |\n| --- | --- | --- |\n"
        "| KAN, 6 | 73.75±3.00 | reference |\n| MLP | 78.60 | +4.9 [+3.3, +6.6] |\n"
    )
    assert markdown(folder, "a.csv neck=0.95 | row").splitlines()[2:] == ["| MLP |"]


def test_a_difference_without_an_interval_stands_alone(tmp_path: Path):
    rows = {"row": ["a", "b", "c"], "d": [None, 1.0, 2.0], "d_low": [None, 0.5, None], "d_high": [None, 1.5, None]}
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    assert markdown(tmp_path, "a.csv | d:.1f").splitlines()[2:] == ["| reference |", "| 1.0 [0.5, 1.5] |", "| 2.0 |"]


def test_two_files_share_their_rows(folder: Path):
    more = pd.DataFrame({"size": [3, 4], "row": ["MLP", "CNN"], "auroc_mean": [0.1, 0.2]})
    more.to_csv(folder / "b.csv", index=False)
    assert markdown(folder, "a.csv+b.csv | row | auroc:.1% | size").splitlines()[2:] == ["| MLP | 78.6 | 3 |"]
    pd.DataFrame({"size": [3]}).to_csv(folder / "b.csv", index=False)
    with pytest.raises(InputError, match="no column is in both"):
        markdown(folder, "a.csv+b.csv | row")


def test_what_is_not_there_is_named(folder: Path):
    with pytest.raises(InputError, match="no column 'f1'; there are: row, "):
        markdown(folder, "a.csv | f1")
    with pytest.raises(InputError, match=r"b\.csv: not found"):
        markdown(folder, "b.csv | row")


def test_filling_twice_changes_nothing_more(folder: Path):
    page = folder / "README.md"
    page.write_text("# Page\n<!-- table: a.csv | row -->\nold\n<!-- end -->\nmore\n")
    once = filled(page)
    assert "old" not in once
    assert once.endswith("| MLP |\n<!-- end -->\nmore\n")
    page.write_text(once)
    assert filled(page) == once


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: f"{page.parent.name}/{page.name}")
def test_a_page_shows_what_its_files_hold(page: Path):
    text = page.read_text()
    assert filled(page) == text, "run `python -m studies.pages`"
    # no screen shows more
    assert all(line.count("|") - line.count("\\|") <= 8 for line in text.splitlines() if line.startswith("|"))


def test_every_auroc_of_the_readme_is_one_of_an_experiment():
    known = set()
    for file in EXPERIMENTS.rglob("report.csv"):
        table = pd.read_csv(file)
        pairs = 100 * table[["auroc_mean", "auroc_std"]]
        known |= {f"{mean:.1f}±{std:.1f}" for mean, std in pairs.to_numpy()}
        # one run alone has no difference
        ends = 100 * table.reindex(columns=["difference", "difference_low", "difference_high"])
        known |= {f"{value:+.1f} [{low:+.1f}, {high:+.1f}]" for value, low, high in ends.to_numpy()}
    text = TABLE.sub("", (ROOT / "README.md").read_text())
    named = re.findall(r"\d+\.\d±\d+\.\d|[-+]\d+\.\d \[[^]]+\]", text)
    assert len(named) == 18
    assert set(named) <= known


def test_each_number_is_stored_once():
    assert not [*EXPERIMENTS.rglob("report.md"), *EXPERIMENTS.rglob("*.tex")]
