"""A folder that grows: whole scans are sorted in order, each once, as if all of them had been there at once."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime.belts import HEIGHT, Lines, Rule, Sending, belt, boxes, directly, events, settings, table

from oresort.errors import InputError
from oresort.files.image import write_tiff
from oresort.runtime.run import sort_scans
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.run import sort_stream
from oresort.scan.calibrate.calibration import Calibration

ENDS = [0, 373, 640, HEIGHT]  # the first border goes through a row of particles


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oresort.runtime.source.folder._STILL", 0.5)
    monkeypatch.setattr("oresort.runtime.source.folder._LOOK", 0.05)


def write(folder: Path, number: int, lines: Lines | None = None) -> None:
    """Write scan `number` (1 to 3, or any with `lines`) of the belt."""
    if lines is None:
        low, high = (layer[ENDS[number - 1] : ENDS[number]] for layer in belt())
    else:
        low, high = lines
    folder.mkdir(exist_ok=True)
    for name, layer in (("low", low), ("high", high)):
        write_tiff(folder / f"s_{number}_{name}.tiff", layer)


def watched(raw: Path, out: Path, home: Path, meanwhile: Callable[[], Any] = lambda: None, *words: str) -> Deciding:
    """Sort a folder while something happens to it, until nothing has come for a while."""
    raw.mkdir(exist_ok=True)
    work = Sending(meanwhile)
    given = f"scans={raw}", "watch=true", "idle=1.2", f"calibration={home / 'cal.json'}", *words
    found = sort_stream(settings(out, *given), Rule())
    work.done()
    return found


def at_once(raw: Path, out: Path, home: Path) -> None:
    sort_scans(settings(out, f"scans={raw}", f"calibration={home / 'cal.json'}", "overlay=false"), Rule())


def rows(out: Path) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table(out).astype(str).to_numpy().tolist()]


def test_scans_that_appear_are_sorted_as_if_all_had_been_there(tmp_path: Path, home: Path, known: Calibration):
    raw = tmp_path / "raw"

    def appear() -> None:
        for number in (1, 2, 3):
            write(raw, number)
            time.sleep(0.3)

    watched(raw, tmp_path / "grown", home, appear)
    at_once(raw, tmp_path / "once", home)
    # the calibration of the first scan is that of all
    assert rows(tmp_path / "grown") == rows(tmp_path / "once")
    assert table(tmp_path / "grown")["clipped"].sum() == table(tmp_path / "once")["clipped"].sum()
    assert events(tmp_path / "grown", "refused") == []


def test_a_file_that_is_still_written_is_waited_for(tmp_path: Path, home: Path, known: Calibration):
    raw = tmp_path / "raw"
    write(tmp_path / "whole", 1)
    data = (tmp_path / "whole" / "s_1_high.tiff").read_bytes()

    def appear() -> None:
        shutil.copy(tmp_path / "whole" / "s_1_low.tiff", raw)
        with (raw / "s_1_high.tiff").open("wb") as file:
            for start in range(0, len(data), len(data) // 4 + 1):
                file.write(data[start : start + len(data) // 4 + 1])
                file.flush()
                time.sleep(0.2)

    found = watched(raw, tmp_path / "out", home, appear)
    assert found.lines == ENDS[1]
    assert events(tmp_path / "out", "refused") == []


def test_what_is_damaged_or_too_late_is_named_and_the_rest_is_sorted(tmp_path: Path, home: Path, known: Calibration):
    raw = tmp_path / "raw"
    write(raw, 1)
    write(raw, 2)
    write(raw, 3)
    (raw / "s_2_low.tiff").write_bytes((raw / "s_2_low.tiff").read_bytes()[:3000])
    write(raw, 4, tuple(layer[:300, :-8] for layer in belt()))  # type: ignore[arg-type]  # of another sorter

    def late() -> None:
        out = tmp_path / "out"
        while not (out / "log.txt").is_file() or not any("s_4" in line for line in events(out, "refused")):
            time.sleep(0.1)
        write(raw, 0, tuple(layer[:100] for layer in belt()))  # type: ignore[arg-type]

    watched(raw, tmp_path / "out", home, late, "stall=1.5")
    said = events(tmp_path / "out", "refused")
    assert [[word in line for line in said] for word in ("s_2_low", "s_4_low", "s_0_low")] == np.eye(
        3, dtype=bool
    ).tolist()
    found = table(tmp_path / "out")
    assert found["scan"].unique().tolist() == ["s_1", "s_3"]
    # nothing goes on over a scan that is not there
    assert found.loc[found["scan"] == "s_1", "clipped"].sum() >= 4


def test_a_scan_that_others_were_joined_over_is_told_as_such(tmp_path: Path, home: Path, known: Calibration):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, 1)
    write(raw, 3)

    def late() -> None:
        while not (out / "decisions.csv").is_file() or "s_1" not in (out / "decisions.csv").read_text():
            time.sleep(0.1)
        write(raw, 0, tuple(layer[:100] for layer in belt()))  # type: ignore[arg-type]
        write(raw, 2)

    watched(raw, out, home, late, "stall=1.5")
    first, between = sorted(events(out, "refused"))
    assert "s_0_low" in first
    assert "joined" not in first
    assert "s_2_low" in between
    assert between.endswith("s_1 and s_3 were joined without it, a particle on their border may be parts of two")


def test_a_killed_process_goes_on_with_the_first_scan_that_has_no_rows(tmp_path: Path, home: Path, known: Calibration):
    raw, out = tmp_path / "raw", tmp_path / "out"
    for number in (1, 2, 3):
        write(raw, number)
    watched(raw, out, home)
    whole = rows(out)
    # as if it had been killed when the second scan's rows were on the disk, and some of the third's
    first = table(out)
    count = int((first["scan"] == "s_1").sum())
    record = json.loads((out / "decisions.json").read_text())
    over = first[(first["scan"] == "s_1") & (first["y"] + first["h"] > ENDS[1])]
    assert len(over) > 3
    ends = [[int(row.x), int(row.x + row.w)] for row in over.itertuples()]
    record["stream"]["state"] = {"scan": "s_1", "rows": count, "over": ends}
    (out / "decisions.json").write_text(json.dumps(record))
    text = (out / "decisions.csv").read_text()
    (out / "decisions.csv").write_text(text[: len(text) - 250])
    watched(raw, out, home)
    found = rows(out)
    assert found[:count] == whole[:count]
    # a particle that reaches into the second scan stands in the first one's rows alone
    assert [row[:6] for row in found] == [row[:6] for row in whole]
    assert any("sorted anew" in line for line in events(out, "restart"))


def test_scans_by_themselves_are_cut_at_their_borders(tmp_path: Path, home: Path, known: Calibration):
    raw = tmp_path / "raw"
    for number in (1, 2):
        write(raw, number)
    watched(raw, tmp_path / "out", home, lambda: None, "joined=false")
    found = table(tmp_path / "out")
    assert boxes(found[found["scan"] == "s_2"])[0][1] == 0
    assert found["clipped"].sum() >= 9


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("watch=true",), "watch=true: no folder"),
        (("lines=-", "scans=x"), "two sources"),
        (("lines=-", "joined=false"), "joined=false"),
        (("scans=x", "watch=true", "deadline=5"), "deadline=5"),
        (("scans=x", "idle=5"), "idle=5"),
        (("scans=x", "watch=true", "joined=false", "save_calibration=c.json"), "save_calibration"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path: Path, words: tuple[str, ...], why: str):
    from oresort.runtime.settings import is_stream

    with pytest.raises(InputError, match=why):
        is_stream(settings(tmp_path / "out", *words))


def test_the_belt_of_these_tests_has_particles_on_its_borders(known: Calibration):
    found = directly(belt(), known)
    assert sum(p.y < ENDS[1] < p.y + p.h for p in (row.particle for row in found)) > 3


def until(found: Callable[[], Any]) -> None:
    for _ in range(400):
        if found():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come")


def test_a_folder_that_is_gone_for_a_moment_is_waited_for(tmp_path: Path, home: Path, known: Calibration):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, 1)

    def meanwhile() -> None:
        until(lambda: (out / "decisions.csv").exists())
        raw.rename(tmp_path / "away")  # as a share does whose network fails
        until(lambda: events(out, "note"))
        (tmp_path / "away").rename(raw)
        write(raw, 2)
        write(raw, 3)

    watched(raw, out, home, meanwhile, "stall=0.2", "idle=4")
    assert any(f"{raw}: is not there; waiting for it" in line for line in events(out, "note"))
    at_once(raw, tmp_path / "once", home)
    assert boxes(table(out)) == boxes(table(tmp_path / "once"))
    assert set(table(out)["scan"]) == {"s_1", "s_2", "s_3"}


def test_a_scan_that_is_written_anew_after_its_turn_is_named_once(tmp_path: Path, home: Path, known: Calibration):
    raw, out = tmp_path / "raw", tmp_path / "out"
    for number in (1, 2, 3):
        write(raw, number)

    def meanwhile() -> None:
        until(lambda: (out / "decisions.csv").exists() and "s_2" in (out / "decisions.csv").read_text())
        write(raw, 1, tuple(layer[:500] for layer in belt()))  # a recorder that begins its names anew
        (raw / "s_2_low.tiff").unlink()  # whoever tidies up may
        until(lambda: events(out, "refused"))
        time.sleep(0.5)

    watched(raw, out, home, meanwhile, "idle=4")
    (line,) = events(out, "refused")
    assert "s_1_low.tiff: was written anew after it was sorted, and is not sorted again; give each scan a name" in line
