"""`sort ... ejectors=FILE page=PORT`: of scans on a disk and of lines that are sent."""

import http.client
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pairs import write_image
from runtime.belts import HEIGHT, Rule, Sending, belt, calibration, sent, settings, table

from oresort.errors import InputError
from oresort.runtime.run import sort
from oresort.runtime.source import pipe

# lines and pixels of 1 mm; 2 s to the valves, so that a slow machine is never late
PLANT: dict[str, Any] = {
    **{"pixel": 1.0, "belt_speed": 1.0, "line_rate": 1_000.0, "distance": 2_000.0},
    **{"nozzles": 16, "nozzle_pitch": 20.0, "first_nozzle": 10.0},
    **{"open_delay": 8.0, "close_delay": 6.0, "travel": 2.0, "shortest_pulse": 5.0, "speed_jitter": 0.0},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("belt")
    calibration(folder)
    return folder


@pytest.fixture
def plant(tmp_path: Path) -> str:
    """Words that name the plant's file."""
    return written(tmp_path)


def written(folder: Path, **changed: Any) -> str:
    file = folder / "plant.yaml"
    file.write_text(yaml.safe_dump(PLANT | changed))
    return f"ejectors={file}"


def scan(home: Path) -> tuple[str, str, str]:
    return f"low={home}/scan/low.tiff", f"high={home}/scan/high.tiff", f"calibration={home}/cal.json"


def windows(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "ejections.csv", dtype={"particles": str})


def named(out: Path) -> list[Any]:
    """Windows with their particles by place, sorted."""
    rows = table(out).set_index("id")
    return sorted(
        (row.nozzle, row.open_s, row.close_s, sorted((rows.x[int(k)], rows.y[int(k)]) for k in row.particles.split()))
        for row in windows(out).itertuples()
    )


def test_each_particle_that_is_thrown_out_has_its_windows(home: Path, tmp_path: Path, plant: str):
    out = tmp_path / "out"
    sort(settings(out, *scan(home), plant, "overlay=true"), Rule())
    rows, found = table(out), windows(out)
    waste = rows[rows["decision"] == "waste"]
    assert 3 < len(waste) < len(rows) - 3
    assert sorted({int(k) for cell in found["particles"] for k in cell.split()}) == waste["id"].tolist()
    for row in waste.itertuples():
        own = found[[str(row.id) in cell.split() for cell in found["particles"]]]
        nozzles = range(max(int((row.x - 1) // 20), 0), min(int((row.x + row.w) // 20), 15) + 1)
        assert set(own["nozzle"]) == {k + 1 for k in nozzles}
        assert own["open_s"].min() <= (row.y - 1) / 1_000 + 2.0 - 0.011 + 1e-6
        assert own["close_s"].max() >= (row.y + row.h + 1) / 1_000 + 2.0 - 0.001 - 1e-6
    assert found["open_s"].is_monotonic_increasing
    assert (found["open_line"] == np.floor(found["open_s"] * 1_000 + 1e-6)).all()
    known = json.loads((out / "decisions.json").read_text())["ejectors"]
    assert (known["blown"], known["kept"], known["late"]) == (len(waste), len(rows) - len(waste), 0)
    assert known["windows"] == len(found)
    assert known["plant"]["nozzle_pitch"] == 20.0
    assert known["recovery"] is None
    assert (out / "ejections.png").stat().st_size > 10_000


def test_tiles_of_a_belt_have_the_same_windows(home: Path, tmp_path: Path, plant: str):
    (tmp_path / "tiles").mkdir()
    low, high = belt()
    for number, (start, stop) in enumerate(((0, 333), (333, 400), (400, HEIGHT)), start=1):
        for layer, counts in (("low", low), ("high", high)):
            write_image(tmp_path / "tiles" / f"tile_{number}_{layer}.tiff", counts[start:stop])
    # far from any particle's probability: tiles measure their own level of air
    words = plant, f"calibration={home}/cal.json", "overlay=false", "threshold=0.45"
    sort(settings(tmp_path / "a", *scan(home), *words[::2], words[3]), Rule())
    sort(settings(tmp_path / "b", f"scans={tmp_path / 'tiles'}", *words), Rule())
    assert (tmp_path / "a" / "ejections.csv").read_text() == (tmp_path / "b" / "ejections.csv").read_text()
    assert not (tmp_path / "b" / "ejections.png").exists()
    # by themselves, each has its own particles at its borders, and ids are still those of the table
    sort(settings(tmp_path / "c", f"scans={tmp_path / 'tiles'}", plant, words[1], "joined=false"), Rule())
    rows, found = table(tmp_path / "c"), windows(tmp_path / "c")
    waste = set(rows["id"][rows["decision"] == "waste"])
    assert {int(k) for cell in found["particles"] for k in cell.split()} == waste
    assert sorted(file.name for file in (tmp_path / "c" / "ejections").iterdir()) == [
        "tile_1.png", "tile_2.png", "tile_3.png"
    ]  # fmt: skip


def test_a_table_of_other_decisions_does_not_stay(home: Path, tmp_path: Path, plant: str):
    sort(settings(tmp_path / "a", *scan(home), plant), Rule())
    sort(settings(tmp_path / "a", *scan(home)), Rule())
    assert not (tmp_path / "a" / "ejections.csv").exists()
    assert not (tmp_path / "a" / "ejections.png").exists()
    assert json.loads((tmp_path / "a" / "decisions.json").read_text())["ejectors"] is None


def test_what_the_geometry_forbids_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    # 72 ms to the valves: 12 for these, and decisions come up to 40 lines after a particle's last one
    words = written(tmp_path, distance=72.0, nozzles=8, true_ore_rate=0.9, false_ore_rate=0.2)
    sort(settings(tmp_path / "a", *scan(home), words, "overlay=false"), Rule())
    told = capsys.readouterr()
    known = json.loads((tmp_path / "a" / "decisions.json").read_text())["ejectors"]
    assert 0 < known["late"] <= known["blown"]
    assert f"warning: {known['late']} of {known['blown']} particles are decided too late" in told.err
    assert 0 < known["unreached"] < known["blown"]
    assert "reach beyond the nozzles" in told.err
    assert "expected share of ore kept" in told.out


@pytest.mark.parametrize(
    ("changed", "words", "said"),
    [
        ({"distance": 39.0}, (), "distance=39: the belt is at the valves after 39.0 ms"),
        ({"pixel": 0.4}, ("pixel=0.5",), "pixel=0.4 of the ejectors: sort has pixel=0.5"),
        ({"belt_speed": None}, (), "belt_speed: missing, only the plant knows"),
        ({}, ("page=0", "page_host=no.such.host.invalid"), "page_host=no.such.host.invalid: "),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    home: Path, tmp_path: Path, changed: dict[str, Any], words: tuple[str, ...], said: str
):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        sort(settings(tmp_path / "a", *scan(home), written(tmp_path, **changed), *words), Rule())
    assert not (tmp_path / "a").exists()


def test_whole_scans_come_too_late_for_valves(tmp_path: Path, plant: str):
    with pytest.raises(InputError, match="watch=true: whole scans come too late for valves"):
        sort(settings(tmp_path / "a", f"scans={tmp_path}", "watch=true", plant), Rule())


# --- streams


def piped(out: Path, parts: Any, *words: str) -> None:
    """Sort what comes from a pipe in place of standard input."""
    read, write = os.pipe()

    def send() -> None:
        with suppress(BrokenPipeError), os.fdopen(write, "wb", 0) as stream:
            for part in parts:
                stream.write(part)

    sender = Sending(send)
    plain = pipe.Pipe.__init__.__defaults__
    pipe.Pipe.__init__.__defaults__ = (read,)
    try:
        sort(settings(out, "lines=-", "first=0", *words), Rule())
    finally:
        pipe.Pipe.__init__.__defaults__ = plain
        os.close(read)
        sender.done()


def test_a_stream_has_the_windows_of_the_same_scan(home: Path, tmp_path: Path, plant: str):
    sort(settings(tmp_path / "a", *scan(home), plant, "overlay=false"), Rule())
    known = f"calibration={home}/cal.json"
    piped(tmp_path / "b", [sent(belt())], known, plant)
    assert named(tmp_path / "b") == named(tmp_path / "a")
    files, stream = (json.loads((tmp_path / name / "decisions.json").read_text())["ejectors"] for name in "ab")
    assert stream == files
    # another process in the same folder: ids go on, and so do rows
    piped(tmp_path / "b", [sent(belt(), first=HEIGHT)], known, plant)
    assert len(windows(tmp_path / "b")) == 2 * len(windows(tmp_path / "a"))
    assert len(named(tmp_path / "b")) == 2 * len(named(tmp_path / "a"))
    # of another plant they are not
    with pytest.raises(InputError, match="holds decisions of a stream with another ejectors"):
        piped(tmp_path / "b", [sent(belt())], known, written(tmp_path, distance=2_001.0))


def test_both_tables_of_a_stream_are_on_the_disk(
    home: Path, tmp_path: Path, plant: str, monkeypatch: pytest.MonkeyPatch
):
    synced: dict[str, int] = {}
    plain = os.fdatasync

    def watched(handle: int) -> None:
        synced[Path(f"/proc/self/fd/{handle}").readlink().name] = os.fstat(handle).st_size
        plain(handle)

    monkeypatch.setattr(os, "fdatasync", watched)
    piped(tmp_path / "a", [sent(belt())], f"calibration={home}/cal.json", plant)
    for name in ("decisions.csv", "ejections.csv"):
        assert synced[name] == (tmp_path / "a" / name).stat().st_size > 1_000


def test_the_page_shows_a_stream_while_it_is_sorted(home: Path, tmp_path: Path, plant: str):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    news: list[dict[str, Any]] = []

    def look() -> None:
        for _ in range(200):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.request("GET", "/events")
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        answer = connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"data: "):
                news.append(json.loads(line[6:]))
        connection.close()

    looker = Sending(look)

    def parts() -> Any:
        data, step = sent(belt()), 40_000
        for start in range(0, len(data), step):
            time.sleep(0.05)
            yield data[start : start + step]

    piped(tmp_path / "a", parts(), f"calibration={home}/cal.json", plant, f"page={port}")
    looker.done()
    assert news[-1]["finished"]
    assert news[-1]["name"] == "lines=-"
    assert news[-1]["line"] == HEIGHT
    rows = table(tmp_path / "a")
    assert news[-1]["rates"]["particles"] == len(rows)
    assert news[-1]["ejectors"]["windows"] == sum(news[-1]["ejectors"]["nozzles"]) == len(windows(tmp_path / "a"))
    boxes = [tuple(box[:5]) for one in news for box in one["boxes"]]
    assert len(boxes) > len(rows) // 2
    assert set(boxes) <= set(rows[["x", "y", "w", "h", "decision"]].itertuples(index=False, name=None))


def test_the_page_shows_scans_on_a_disk(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sort(settings(tmp_path / "a", *scan(home), "page=0", "overlay=false"), Rule())
    assert "page: http://127.0.0.1:" in capsys.readouterr().err
