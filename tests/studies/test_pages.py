"""The pages of experiments/ show what their files hold."""

from pathlib import Path

import pandas as pd
import pytest

from oresort.errors import InputError
from studies.pages import TABLE, filled, markdown

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
PAGES = sorted(EXPERIMENTS.rglob("*.md"))


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_shows_what_its_files_hold(page: Path):
    text = page.read_text()
    assert filled(page) == text, "run `python -m studies.pages`"
    # no screen shows more
    assert all(line.count("|") - line.count("\\|") <= 8 for line in text.splitlines() if line.startswith("|"))
    # every table of numbers comes from a file
    bare = TABLE.sub("", text)
    assert not [line for line in bare.splitlines() if line.startswith("| ") and "±" in line]


def test_each_number_is_stored_once():
    assert not [*EXPERIMENTS.rglob("report.md"), *EXPERIMENTS.rglob("*.tex")]
