"""The live page in a browser: what a person, or a screen reader, is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from belt_told import belt, blocks
from browser import Browser

from oresort.runtime.observer import Rates
from oresort.runtime.page.live import Live
from oresort.runtime.page.page import Page
from oresort.scan.fault import Fault


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as made:
        yield made


def run(live: Live, lines: int, every: int) -> int:
    """Tell of a belt; the number of particles decided."""
    low, made = belt(lines, every)
    count = 0
    for some, ready, line in blocks(low, made):
        live.lines(some)
        live.decided(ready, line)
        count += len(ready)
    return count


def text(browser: Browser, name: str) -> str:
    return str(browser.look(f"document.getElementById('{name}').textContent"))


def test_the_page_shows_what_it_is_told(browser: Browser):
    nozzles: dict[str, object] = {
        "blown": 7,
        "struck": 2,
        "late": 1,
        "unreached": 5,
        "cut": 8,
        "windows": 9,
        "most_cycles": 4,
    }
    nozzles["nozzles"] = [0, 3, 6, 0]
    live = Live("<b>scan & co</b>", lambda: nozzles)
    page = Page(live, "127.0.0.1", 0)
    browser.size(1_280, 900)
    browser.open(page.address)
    browser.until("document.getElementById('status').textContent === 'running'")
    assert text(browser, "name") == "<b>scan & co</b>"
    live.rates(Rates(960, 40, 30, 3_700.0, 45.0, 6.3, 14.9, 64, 2))
    live.alarms(["mean l of the particles 2 against 1 in training"])
    live.faults([Fault("both", "lost", slice(4, 9), None, False), Fault("low", "dead", None, slice(3, 4), True)])
    count = run(live, 960, 40)
    browser.until(f"document.getElementById('strip').getAttribute('aria-label').includes(' {count} particles')")
    assert text(browser, "lines") == "960"
    assert text(browser, "pace") == "3,700"
    assert text(browser, "kept") == "75.0 %"
    assert text(browser, "delay") == "6.3; 15"
    assert text(browser, "late") == "2"
    assert text(browser, "alarms") == "mean l of the particles 2 against 1 in training"
    assert text(browser, "fault-count") == "1 not mended, 1 mended"
    assert text(browser, "faults") == "both layers, lines 4-8: lost, not mended"
    assert browser.look("document.querySelectorAll('#last tr').length") == 8
    told = [str(browser.look(f"document.querySelectorAll('#air tr')[{k}].lastChild.textContent")) for k in range(7)]
    assert told == ["7", "2", "1", "5", "8", "9", "4"]
    assert "nozzle 3 has most, 6" in browser.look("document.getElementById('bars').getAttribute('aria-label')")
    live.finished()
    page.close()
    browser.until("document.getElementById('status').textContent === 'finished'")
    assert browser.complaints() == []
    assert [address.removeprefix(page.address) for address in browser.asked()] == ["", "events"]
    # the newest line is at the bottom, and the belt is grey between its dark sides
    point = "document.getElementById('belt').getContext('2d').getImageData({}, {}, 1, 1).data[0]"
    assert 190 < browser.look(point.format(60, 399)) < 220
    assert browser.look(point.format(2, 399)) == 96
    assert browser.look(point.format(60, 400 - 960 // 8 - 1)) == 0  # of lines before the first nothing is known


def test_a_box_lies_around_its_block(browser: Browser):
    live = Live("a")
    page = Page(live, "127.0.0.1", 0)
    browser.open(page.address)
    browser.until("document.getElementById('status').textContent === 'running'")
    low, (one,) = belt(256, 200)  # a single block
    particle = one.particle
    live.lines(low)
    live.decided([one], 256)
    browser.until("document.getElementById('strip').getAttribute('aria-label').includes(' 1 particles')")
    column, line = (particle.x + particle.w // 2) // 8, 400 - 32 + (particle.y + particle.h // 2) // 8
    grey = "document.getElementById('belt').getContext('2d').getImageData({}, {}, 1, 1).data[0]"
    assert browser.look(grey.format(column, line)) < 130  # the block
    drawn = "document.getElementById('boxes').getContext('2d').getImageData({}, {}, 1, 1).data[3]"
    assert browser.look(drawn.format(2 * column, 2 * line)) == 0  # is free
    left = 2 * particle.x // 8 - 3
    assert browser.look(drawn.format(left, 2 * line)) > 0
    page.close()


@pytest.mark.parametrize("width", [1_280, 390, 320])
def test_the_page_fits_its_window(browser: Browser, width: int):
    page = Page(Live("a_name_without_a_place_to_break_it_" * 4), "127.0.0.1", 0)
    browser.size(width, 800)
    browser.open(page.address)
    browser.until("document.getElementById('status').textContent === 'running'")
    assert browser.look("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_sorter_that_is_gone_is_told(browser: Browser):
    page = Page(Live("a"), "127.0.0.1", 0)
    browser.open(page.address)
    browser.until("document.getElementById('status').textContent === 'running'")
    page.close()  # without having finished
    browser.until("document.getElementById('status').textContent.startsWith('no connection')")
