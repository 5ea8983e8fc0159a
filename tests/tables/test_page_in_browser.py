"""Pages of results in a browser: all is there, nothing is asked for, and a person can use it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Browser
from PIL import Image
from runtime.belts import Rule, calibration, settings
from test_one_file_page import HOSTILE, evaluation, pairs
from test_report import make_run

from oresort.runtime.run import sort_scans
from oresort.tables.collect import collect
from oresort.tables.page.evaluated import described, write_evaluation
from oresort.tables.page.sorted import write_sort
from oresort.tables.page.sweep import write_sweep
from oresort.tables.summary import summarise
from studies.index import Options, study


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as made:
        yield made


def run_page(out: Path) -> Path:
    table = pairs(300, scan=[f"{HOSTILE} {i % 30}" for i in range(300)])
    document = described(evaluation(table), "a_name_without_a_place_to_break_it_" * 6, "test", 20)
    file = write_evaluation(out, document, ())
    assert file is not None
    return file


def sweep_page(out: Path) -> Path:
    for seed in (1, 2):
        make_run(out / f"kan{seed}", "KAN 6", seed, 0.1)
        make_run(out / f"odd{seed}", HOSTILE, seed, 0.05)
    (out / "kan1" / "importances.csv").write_text(f"feature,importance,deviation\n{HOSTILE},0.2,0.01\nl_mean,0.1,0\n")
    (out / "odd1" / "importances.csv").write_text("feature,importance,deviation\nl_mean,much,0\n")
    make_run(out / "lost", "KAN 4", 1, 0.0, status="failed", error=HOSTILE)
    found = summarise(collect(out), resamples=20)
    return write_sweep(out, found, HOSTILE, "test", "auroc", 20)


def sort_page(out: Path) -> Path:
    calibration(out.parent)
    words = (f"low={out.parent / 'scan' / 'low.tiff'}", f"high={out.parent / 'scan' / 'high.tiff'}")
    sort_scans(settings(out, *words), Rule())
    return write_sort(out)


def studies_page(out: Path) -> Path:
    folder = out / "experiments" / "one"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(f"# {HOSTILE}\n\n**Question.** {HOSTILE}?\n\n**Shows** {HOSTILE * 9}.\n")
    Image.new("RGB", (1_200, 300)).save(folder / "p.png")
    study(Options(out / "experiments", out / "page"))
    return out / "page" / "report.html"


PAGES: dict[str, Callable[[Path], Path]] = {
    "evaluation": run_page,
    "sweep": sweep_page,
    "sort": sort_page,
    "studies": studies_page,
}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_whole_and_asks_for_nothing(browser: Browser, tmp_path: Path, kind: str):
    file = PAGES[kind](tmp_path / "out")
    for width in (1_280, 390):
        browser.size(width, 900)
        browser.open(file.as_uri())
        browser.until("[...document.images].every((image) => image.complete)")
        assert browser.look("document.images.length") > 0
        assert browser.look("getComputedStyle(document.querySelector('section')).borderTopLeftRadius") == "6px"
        assert browser.look("getComputedStyle(document.querySelector('main')).maxWidth") == "1000px"
        assert browser.look("[...document.images].every((image) => image.naturalWidth > 50)")
        assert browser.look("document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []
    assert {address for address in browser.asked() if not address.startswith("data:")} == {file.as_uri()}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_told_to_a_screen_reader(browser: Browser, tmp_path: Path, kind: str):
    browser.open(PAGES[kind](tmp_path / "out").as_uri())
    assert browser.look("document.documentElement.lang") == "en"
    assert browser.look("document.querySelectorAll('h1').length") == 1
    assert browser.look("[...document.images].every((image) => image.alt.length > 10)")
    assert browser.look("[...document.querySelectorAll('table')].every((table) => table.caption.textContent)")
    assert browser.look("[...document.querySelectorAll('thead th')].every((head) => head.scope === 'col')")
    assert browser.look("[...document.querySelectorAll('nav a')].every((a) => document.querySelector(a.hash))")


def test_features_of_a_classical_sorter_are_on_the_sweeps_page(tmp_path: Path):
    page = sweep_page(tmp_path / "out").read_text()
    assert "What classical sorters decide by" in page
    found = json.loads((tmp_path / "out" / "report.json").read_text())
    features = [{"feature": HOSTILE, "importance": 0.2, "deviation": 0.01}]
    features.append({"feature": "l_mean", "importance": 0.1, "deviation": 0.0})
    assert found["importances"] == [{"run": str(tmp_path / "out" / "kan1"), "features": features, "of": 2, "runs": 2}]
    assert [entry["what"] for entry in found["left_out"]] == [f"features of {tmp_path / 'out' / 'odd1'}"]
    assert '<td class="n" data-v="0.2">20.00</td>' in page


def test_a_heading_sorts_its_table(browser: Browser, tmp_path: Path):
    browser.open(run_page(tmp_path / "out").as_uri())
    table = "[...document.querySelectorAll('table')].find((one) => one.caption.textContent.startsWith('By scan'))"
    cells = f"[...{table}.tBodies[0].rows].map((row) => row.cells[4].dataset.v)"
    head = f"{table}.tHead.rows[0].cells[4]"
    for way in ("ascending", "descending"):
        browser.look(f"{head}.firstElementChild.click()")
        assert browser.look(f"{head}.getAttribute('aria-sort')") == way
        found = browser.look(cells)
        known = [float(cell) for cell in found if cell]
        assert known == sorted(known, reverse=way == "descending")
        assert found == [*[cell for cell in found if cell], *[""] * (len(found) - len(known))]  # unknown ones last


def test_pictures_take_the_readers_light_or_dark(tmp_path: Path):
    file = run_page(tmp_path / "out")
    found = {}
    for dark in (False, True):
        with Browser(tmp_path / f"profile{dark}", dark) as browser:
            browser.open(file.as_uri())
            browser.until("[...document.images].every((image) => image.complete)")
            browser.look(
                "(() => { const c = document.createElement('canvas'); c.width = c.height = 400;"
                "const pen = c.getContext('2d'); pen.drawImage(document.images[0], 0, 0);"
                "const bytes = pen.getImageData(0, 0, 400, 400).data; window.dark = 0; window.light = 0;"
                "for (let i = 0; i < bytes.length; i += 4) if (bytes[i + 3] > 250) {"
                "window.dark += bytes[i] < 40 && bytes[i + 1] < 40 && bytes[i + 2] < 40;"
                "window.light += bytes[i] > 220 && bytes[i + 1] > 220 && bytes[i + 2] > 220; } })()"
            )
            found[dark] = browser.look("window.dark"), browser.look("window.light")
    assert found[False][0] > 30 > found[False][1]
    assert found[True][1] > 30 > found[True][0]
