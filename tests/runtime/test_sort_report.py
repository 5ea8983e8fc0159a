"""The page that a sort leaves: its numbers are those of its table and its record."""

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pairs import write_image
from runtime.belts import Rule, belt, calibration, sent, settings
from runtime.test_sort import scan_with
from runtime.test_sort_stream import piped

from oresort import sort
from oresort.errors import InputError
from oresort.files.dataset import RELEASED
from oresort.runtime.run import sort_scans
from oresort.tables.page.sorted import write_sort

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def sorted_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a sort of three small scans leaves, one of them with a name that is no name."""
    here = tmp_path_factory.mktemp("sorted")
    (here / "scans").mkdir()
    for number, name in enumerate(("scan_1", f"scan_2 {HOSTILE}", "scan_3")):
        for layer, counts in zip(("low", "high"), belt(), strict=True):
            write_image(here / "scans" / f"{name}_{layer}.tiff", counts[300 * number : 300 * number + 300])
    sort_scans(settings(here / "out", f"scans={here / 'scans'}", "joined=false", "band=0.1"), Rule())
    write_sort(here / "out")
    return here / "out"


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def words_of(folder: Path) -> str:
    page = re.sub(r"<(style|script)>.*?</\1>", "", (folder / "report.html").read_text(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_numbers_on_the_page_are_those_of_the_table(sorted_folder: Path):
    found, table = read(sorted_folder), pd.read_csv(sorted_folder / "decisions.csv")
    kept = table["decision"] == "ore"
    counts = found["counts"]
    assert (counts["particles"], counts["kept"], counts["rejected"]) == (len(table), kept.sum(), (~kept).sum())
    mass = table["mass_proxy"]
    assert counts["mass_share_kept"] == pytest.approx(mass[kept].sum() / mass.sum())
    assert sum(row["particles"] for row in found["reasons"]) == len(table)
    assert sum(found["histogram"]["ore"] + found["histogram"]["waste"]) == table["p_ore"].notna().sum()
    assert [row["scan"] for row in found["scans"]] == list(dict.fromkeys(table["scan"]))
    for row in found["scans"]:
        own = table[table["scan"] == row["scan"]]
        assert row["particles"] == len(own)
        assert row["kept"] == pytest.approx((own["decision"] == "ore").mean())
        assert row["r"] == pytest.approx(own["r"].mean())
    assert f"{len(table):,} particles" in words_of(sorted_folder)
    assert found["methods"] in words_of(sorted_folder)


def test_the_page_says_which_band_holds_and_counts_as_people_do(tmp_path: Path):
    for layer, counts in zip(("low", "high"), belt(), strict=True):
        write_image(tmp_path / f"{layer}.tiff", counts[:300])
    words = f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}"
    sort_scans(settings(tmp_path / "out", *words), Rule(band=0.125))
    write_sort(tmp_path / "out")
    assert read(tmp_path / "out")["settings"]["band"] == 0.125
    text = words_of(tmp_path / "out")
    assert "band=0.125" in text
    assert "of 1 scan were found" in text


def test_the_page_says_beside_each_figure_what_is_no_alarm(tmp_path: Path):
    for layer, counts in zip(("low", "high"), belt(), strict=True):
        write_image(tmp_path / f"{layer}.tiff", counts[:300])
    words = f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}"
    sort_scans(settings(tmp_path / "out", *words), Rule(seen={"p_ore": [50, 0, 0, 0, 0, 0, 0, 0, 0, 50]}))
    write_sort(tmp_path / "out")
    (row,) = read(tmp_path / "out")["drift"]
    assert (row["name"], row["training"]) == ("p_ore", "50")
    assert row["title"].startswith("particles with p_ore of ")
    assert bool(row["alarm"]) == (not row["below"] <= row["value"] <= row["above"])
    text = words_of(tmp_path / "out")
    assert f"{row['title']} {row['here']} 50 {row['silent']}" in text
    assert "no alarm from" in text


def test_a_scans_name_stays_text(sorted_folder: Path):
    page = (sorted_folder / "report.html").read_text()
    assert "<img src=x" not in page
    assert HOSTILE in words_of(sorted_folder)


def test_a_table_and_a_record_of_different_sorts_are_refused(sorted_folder: Path, tmp_path: Path):
    for name in ("decisions.csv", "decisions.json"):
        shutil.copy(sorted_folder / name, tmp_path / name)
    table = (tmp_path / "decisions.csv").read_text().splitlines(keepends=True)
    (tmp_path / "decisions.csv").write_text("".join(table[:-1]))
    with pytest.raises(InputError, match=r"decisions.csv has \d+ rows, decisions.json says otherwise"):
        write_sort(tmp_path)


def test_a_stream_has_a_page_too(tmp_path: Path):
    calibration(tmp_path)
    piped(tmp_path / "out", sent(belt()), f"calibration={tmp_path / 'cal.json'}", "first=0")
    write_sort(tmp_path / "out")
    found = read(tmp_path / "out")
    assert found["counts"]["particles"] == len(pd.read_csv(tmp_path / "out" / "decisions.csv")) > 0
    assert found["stream"]["lines"] == len(belt()[0])
    assert "The model does not know what its training scans looked like" in words_of(tmp_path / "out")


def test_an_empty_belt_has_a_page(tmp_path: Path):
    for layer in ("low", "high"):
        write_image(tmp_path / f"{layer}.tiff", scan_with(0))
    words = (f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}")
    sort_scans(settings(tmp_path / "out", *words), Rule(cut=RELEASED))
    write_sort(tmp_path / "out")
    assert read(tmp_path / "out")["counts"]["share_kept"] is None
    assert "0 particles" in words_of(tmp_path / "out")


def test_a_page_of_other_decisions_does_not_stay(command: Any, tmp_path: Path):
    for layer, counts in zip(("low", "high"), belt(), strict=True):
        write_image(tmp_path / f"{layer}.tiff", counts)
    words = (f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}", f"out={tmp_path / 'out'}")
    code, said, err = command(sort, "ckpt=builtin", *words, "report=true")
    assert code == 0, err
    assert f"page: {tmp_path / 'out' / 'report.html'}" in said
    assert command(sort, "ckpt=builtin", *words)[0] == 0
    assert not (tmp_path / "out" / "report.html").exists()
    assert not (tmp_path / "out" / "report.json").exists()
