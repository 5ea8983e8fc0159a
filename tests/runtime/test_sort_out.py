"""Where a sort of scans on a disk writes: nothing of others is lost, and what cannot be is said before the work."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from runtime.belts import Rule, belt, boxes, settings, table
from runtime.test_sort_stream import piped, sent

from oresort.errors import InputError
from oresort.files.image import write_tiff
from oresort.files.write import locked
from oresort.runtime import run
from oresort.runtime.run import sort
from oresort.scan.calibrate.calibration import Calibration


@pytest.fixture
def words(home: Path, known: Calibration) -> list[str]:
    scan = home / "scan"
    return [f"low={scan / 'low.tiff'}", f"high={scan / 'high.tiff'}", f"calibration={home / 'cal.json'}"]


def files(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it fail where a scan is read: what is refused is refused before."""

    def fails(*_: Any, **__: Any) -> None:
        raise AssertionError("a scan was read")

    monkeypatch.setattr(run, "calibrate_belt", fails)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("file", "out: is a file; name a folder"),
        ("below", "out: is a file; name a folder"),
        ("device", "/proc/none/out: cannot be written there .*; name a folder you may write to"),
        ("stream", "holds decisions of a stream, which this would replace; name another folder"),
        ("busy", "another process is at work in it"),
        ("table", "decisions.csv: not a table of decisions; name another folder"),
        ("record", "decisions.json: not of a sort; name another folder"),
        ("page", "report.html: not of a sort; name another folder"),
        ("pictures", "overlays: not of a sort; name another folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, words: list[str], kind: str, why: str):
    out = tmp_path / "out"
    if kind in ("file", "below"):
        out.write_text("mine")
    elif kind == "stream":
        piped(out, sent(belt()), words[2], "first=0")
    elif kind == "table":
        out.mkdir()
        (out / "decisions.csv").write_text("id,mine\n1,2\n")
    elif kind == "record":
        out.mkdir()
        (out / "decisions.json").write_text('{"mine": 1}')
    elif kind == "page":
        out.mkdir()
        (out / "report.html").write_text("of an evaluation")
    elif kind == "pictures":
        (out / "overlays").mkdir(parents=True)
        (out / "overlays" / "scan_1.png").write_text("of prepare")
    else:
        out.mkdir()
    named = {"below": out / "deeper", "device": Path("/proc/none/out")}.get(kind, out)
    before = files(tmp_path)
    with locked(out, "wait") if kind == "busy" else nullcontext(), pytest.raises(InputError, match=why):
        sort(settings(named, *words), Rule())
    assert files(tmp_path) == before


def test_nothing_of_an_earlier_sort_stays_with_the_decisions_of_another(tmp_path: Path, words: list[str]):
    out, scans = tmp_path / "out", tmp_path / "scans"
    scans.mkdir()
    for number in (1, 2):
        for layer, counts in zip(("low", "high"), belt(), strict=True):
            write_tiff(scans / f"s_{number}_{layer}.tiff", counts)
    sort(settings(out, f"scans={scans}", "joined=false", words[2]), Rule())
    (out / "overlays" / "notes.txt").write_text("mine")
    (out / "mine.csv").write_text("mine")
    assert {"overlays/s_1.png", "overlays/s_2.png"} <= files(out).keys()
    sort(settings(out, *words, "overlay=false"), Rule())
    assert files(out).keys() == {"decisions.csv", "decisions.json", "shift.csv", "mine.csv", "overlays/notes.txt"}
    assert json.loads((out / "decisions.json").read_text())["particles"] == len(table(out))


def test_a_sort_that_was_killed_between_its_files_is_done_anew(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    sort(settings(out, *words, "overlay=false"), Rule())
    expected = boxes(table(out))

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("oresort.runtime.write.write_json", dies)
        with pytest.raises(KeyboardInterrupt):
            sort(settings(out, *words, "overlay=false", "threshold=0.9"), Rule())
    assert not (out / "decisions.json").exists()  # never of other decisions than those beside it
    sort(settings(out, *words, "overlay=false"), Rule())
    assert boxes(table(out)) == expected


def test_a_gap_between_two_scans_is_said_and_stands_in_the_record(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
):
    for number in (1, 3):
        for layer, counts in zip(("low", "high"), belt(), strict=True):
            write_tiff(tmp_path / f"s_{number}_{layer}.tiff", counts)
    sort(settings(tmp_path / "out", f"scans={tmp_path}", words[2], "overlay=false"), Rule())
    said = f"{tmp_path}: no scan between s_1 and s_3; they are joined all the same, joined=false keeps scans apart"
    assert f"warning: {said}\n" in capsys.readouterr().err
    (record,) = json.loads((tmp_path / "out" / "decisions.json").read_text())["belts"]
    assert said in record["notes"]
