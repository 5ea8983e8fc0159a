"""Lines that are sent while they are sorted: nothing is lost, doubled or out of order, whatever the sender does."""

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from runtime.belts import (
    WIDTH,
    Lines,
    Rule,
    Sending,
    belt,
    boxes,
    boxes_of,
    connected,
    directly,
    events,
    frames,
    port_of,
    sent,
    settings,
    table,
)

from oresort.errors import InputError
from oresort.runtime.looking import Lookers
from oresort.runtime.source import pipe, protocol
from oresort.runtime.source.event import Piece
from oresort.runtime.stream import run
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.resume import Earlier, tell_lost
from oresort.runtime.stream.run import sort_stream
from oresort.scan.calibrate.calibration import Calibration


def piped(out: Path, data: bytes, *words: str, model: Rule | None = None) -> Deciding:
    """Sort bytes from a pipe in place of standard input."""
    read, write = os.pipe()

    def send() -> None:
        with suppress(BrokenPipeError), os.fdopen(write, "wb") as stream:  # nobody reads on where it is refused
            stream.write(data)

    sender = Sending(send)
    plain = pipe.Pipe.__init__.__defaults__
    pipe.Pipe.__init__.__defaults__ = (read,)
    try:
        return sort_stream(settings(out, "lines=-", *words), model or Rule())
    finally:
        pipe.Pipe.__init__.__defaults__ = plain
        os.close(read)
        sender.done()


def served(out: Path, home: Path, send: Any, *words: str, model: Rule | None = None) -> Deciding:
    """Sort what `send(port)` sends to a socket, until it has been silent for a while."""
    before = len(events(out, "listening")) if out.exists() else 0
    sender = Sending(lambda: send(port_of(out, before)))
    given = f"calibration={home / 'cal.json'}", "first=0", "idle=1.5", *words
    found = sort_stream(settings(out, "lines=tcp:0", *given), model or Rule())
    sender.done()
    return found


def test_nobody_is_asked_for_lines_before_all_is_loaded(
    tmp_path: Path, home: Path, known: Calibration, monkeypatch: pytest.MonkeyPatch
):
    order: list[str] = []
    plain = run.Port
    monkeypatch.setattr(run, "load_libraries", lambda: order.append("loaded"))
    monkeypatch.setattr(run, "Port", lambda *words: order.append("listening") or plain(*words))
    served(tmp_path / "o", home, lambda port: connected(port).close())
    assert order == ["loaded", "listening"]


def cut(start: int, stop: int) -> Lines:
    low, high = belt()
    return low[start:stop], high[start:stop]


def test_a_stream_writes_down_how_its_belt_shifts_and_goes_on_after_a_restart(
    tmp_path: Path, home: Path, known: Calibration
):
    words = f"calibration={home / 'cal.json'}", "first=0"
    for times in (1, 2):
        piped(tmp_path / "o", sent(belt(), 100), *words)
        log, found = pd.read_csv(tmp_path / "o" / "shift.csv"), table(tmp_path / "o")
        assert log["scan"].tolist() == [f"belt_{k + 1}" for k in range(times)]
        assert log["particles"].sum() == len(found)
        for row in log.itertuples():
            own = found[found["scan"] == row.scan]
            assert row.particles == len(own)
            assert row.line == int(own["y"].iloc[0])
            assert row.ore == pytest.approx((own["decision"] == "ore").mean(), abs=1e-4)


@pytest.mark.parametrize("count", [1, 7, 500])
def test_decisions_are_those_of_the_same_lines_from_memory(tmp_path: Path, home: Path, known: Calibration, count: int):
    piped(tmp_path / "o", sent(belt(), count), f"calibration={home / 'cal.json'}", "first=0")
    found, expected = table(tmp_path / "o"), directly(belt(), known)
    assert boxes(found) == boxes_of(expected)
    assert found["decision"].tolist() == [row.decision for row in expected]
    assert set(found["decision"]) == {"ore", "waste"}
    np.testing.assert_array_equal(found["p_ore"].astype(np.float32), [row.p_ore for row in expected])
    record = json.loads((tmp_path / "o" / "decisions.json").read_text())
    assert record["stream"]["ended"] == "with its source"
    assert (record["particles"], record["since_start"]["lines"]) == (len(found), 900)
    assert record["stream"]["state"] == {"belt": "belt_1", "next_line": 900}


def test_first_lines_calibrate_and_are_sorted_too(tmp_path: Path, known: Calibration):
    saved = tmp_path / "saved.json"
    piped(tmp_path / "o", sent(belt()), "first=700", f"save_calibration={saved}")
    assert abs(len(table(tmp_path / "o")) - len(directly(belt(), known))) <= 1
    assert table(tmp_path / "o")["y"].min() < 60
    piped(tmp_path / "p", sent(belt()), "first=0", f"calibration={saved}")
    assert boxes(table(tmp_path / "p")) == boxes(table(tmp_path / "o"))


def test_a_belt_that_ends_before_its_first_lines_are_there_is_decided_at_once(
    tmp_path: Path, home: Path, known: Calibration
):
    seen: list[int] = []

    def send(port: int) -> None:
        for start, stop in ((0, 20), (20, 500), (500, 900)):  # of which 20 lines alone tell no air
            with connected(port) as sender:
                sender.sendall(sent(cut(start, stop), first=start))
            until = time.monotonic() + 20
            while stop > 20 and len(events(tmp_path / "o", "calibration")) <= len(seen) + 1:
                assert time.monotonic() < until, "it waits"
                time.sleep(0.05)
            seen.extend([stop] if stop > 20 else [])

    served(tmp_path / "o", home, send, "first=800")
    found = table(tmp_path / "o")
    assert {"belt_2", "belt_3"} <= set(found["scan"])
    first, second, third = events(tmp_path / "o", "calibration")
    assert "20 lines, too few to know air by" in first
    assert "the belt has ended, and waits for the lines of the next one" in first
    assert "the first 500 lines gave it" in second
    assert "the first 820 lines gave it" in third  # in frames of 32


@pytest.mark.parametrize(
    ("lines", "words", "why"),
    [
        (cut(0, 20), (), "too few to know air by.*first=1200"),
        (belt(), ("first=0",), "give calibration=FILE"),
        ((belt()[1], belt()[0]), (), "lines=-: the first 900 lines"),
    ],
)
def test_a_stream_that_does_not_tell_how_to_correct_it_is_refused(
    tmp_path: Path, lines: Lines, words: tuple[str, ...], why: str
):
    with pytest.raises(InputError, match=why):
        piped(tmp_path / "o", sent(lines), *words)


def test_each_connection_is_a_belt_of_its_own(tmp_path: Path, home: Path, known: Calibration):
    def send(port: int) -> None:
        for start, stop in ((0, 373), (373, 900)):
            with connected(port) as sender:  # which leaves without a word
                sender.sendall(sent(cut(start, stop), first=start, end=False))

    served(tmp_path / "o", home, send)
    found = table(tmp_path / "o")
    first, second = (directly(cut(*ends), known) for ends in ((0, 373), (373, 900)))
    assert boxes(found) == boxes_of(first) + boxes_of(second, 373)
    assert found["scan"].tolist() == ["belt_1"] * len(first) + ["belt_2"] * len(second)
    assert found["clipped"].sum() > 4
    assert len(events(tmp_path / "o", "gone")) == 2


def test_what_a_sender_does_wrong_is_one_line_and_the_next_one_is_heard(tmp_path: Path, home: Path, known: Calibration):
    header = protocol.pack_header(WIDTH)
    first = next(frames(cut(0, 32)))
    wrong = {
        "no sender of lines": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"{WIDTH + 1} columns, expected are {WIDTH}": protocol.pack_header(WIDTH + 1),
        "garbage in place of a frame": header + bytes(100),
        "amid a frame": header + first[: len(first) // 2],
    }

    def send(port: int) -> None:
        for data in wrong.values():
            with connected(port) as sender, suppress(OSError):  # it may be refused before all of it is sent
                sender.sendall(data)
                sender.shutdown(1)
                sender.recv(1)  # until it is closed
        with connected(port) as sender:
            sender.sendall(sent(belt()))

    served(tmp_path / "o", home, send)
    said = events(tmp_path / "o", "refused") + events(tmp_path / "o", "gone")
    assert [sum(word in line for line in said) for word in wrong] == [1, 1, 1, 1]
    assert len(said) == 4
    found = table(tmp_path / "o")
    assert boxes(found[found["scan"] == "belt_3"]) == boxes_of(directly(belt(), known))


def test_a_damaged_frame_is_lost_and_its_particles_are_faulty(tmp_path: Path, home: Path, known: Calibration):
    parts = list(frames(belt()))
    parts[9] = parts[9][:200] + bytes([parts[9][200] ^ 1]) + parts[9][201:]
    data = protocol.pack_header(WIDTH) + b"".join(parts[:20] + parts[19:])  # and one comes twice
    found = piped(tmp_path / "o", data, f"calibration={home / 'cal.json'}", "first=0")
    low, high = (layer.copy() for layer in belt())
    low[288:320] = high[288:320] = 0
    rows, expected = table(tmp_path / "o"), directly((low, high), known)
    assert boxes(rows) == boxes_of(expected)
    assert rows["faulty"].sum() == sum(row.particle.faulty for row in expected) > 0
    assert found.lines == 900
    record = json.loads((tmp_path / "o" / "decisions.json").read_text())
    assert record["since_start"]["lines_lost"] == 32
    assert "lines 288 to 319 have another checksum" in events(tmp_path / "o", "checksum")[0]
    assert "lines 608 to 639 came twice" in events(tmp_path / "o", "double")[0]
    assert "lines 288-319" in events(tmp_path / "o", "fault")[0]


@pytest.mark.parametrize("share", [0.92, 0.7, 1.17])
def test_air_that_strays_while_a_stream_runs_is_named_and_lines_are_corrected(
    tmp_path: Path, home: Path, known: Calibration, monkeypatch: pytest.MonkeyPatch, share: float
):
    told: list[list[str]] = []
    monkeypatch.setattr(run.Screen, "alarms", lambda self, alarms: told.append(list(alarms)))
    low, high = (layer.copy() for layer in belt())
    part = np.s_[400:700, 10:-10]
    low[part] = np.minimum(low[part] * share, 65_534).astype(np.uint16)
    piped(tmp_path / "o", sent((low, high)), f"calibration={home / 'cal.json'}", "first=0")
    assert boxes(table(tmp_path / "o")) == boxes_of(directly(belt(), known))
    named = [line for line in events(tmp_path / "o", "fault") if "air" in line]
    notes = json.loads((tmp_path / "o" / "decisions.json").read_text())["notes"]
    if share == 0.92:  # as tubes drift
        assert named == notes == []
        assert not any("air" in line for lines in told for line in lines)
        return
    between = "between 70% and 100%" if share < 1 else "between 100% and 117%"
    assert len(named) == 1
    assert f"air of the low layer lies {between} of what the calibration knew" in named[0]
    assert notes == named
    assert named in told


def test_a_second_sender_is_heard_once_the_first_one_is_silent(tmp_path: Path, home: Path, known: Calibration):
    data = sent(belt())
    refused = []

    def send(port: int) -> None:
        with connected(port) as one:
            one.sendall(data[: len(data) // 2])
            time.sleep(0.4)
            with connected(port) as other:
                for start in range(len(data) // 2, 2 * len(data) // 3, 20_000):
                    one.sendall(data[start : min(start + 20_000, 2 * len(data) // 3)])
                    time.sleep(0.15)
                refused.append(other.recv(1))  # closed, while the first one sends
            time.sleep(1.2)
            with connected(port) as other:  # the first one keeps silent
                other.sendall(data)
                time.sleep(0.5)

    served(tmp_path / "o", home, send, "stall=0.7", "idle=3")
    assert refused == [b""]
    assert len(events(tmp_path / "o", "stall")) == 1
    found = table(tmp_path / "o")
    assert boxes(found[found["scan"] == "belt_2"]) == boxes_of(directly(belt(), known))
    assert len(found[found["scan"] == "belt_1"]) > 30


def test_where_deciding_is_slow_the_sender_waits_and_nothing_is_lost(tmp_path: Path, home: Path, known: Calibration):
    most = 0

    class Watch:
        """An observer that looks at how many lines wait."""

        def rates(self, rates: Any) -> None:
            nonlocal most
            most = max(most, rates.waiting)

        def __getattr__(self, _: str) -> Any:
            return lambda *_: None

    read, write = os.pipe()

    def send() -> None:
        with os.fdopen(write, "wb") as stream:
            stream.write(sent(belt(), 16))

    sender = Sending(send)
    plain, pipe.Pipe.__init__.__defaults__ = pipe.Pipe.__init__.__defaults__, (read,)
    try:
        cfg = settings(tmp_path / "o", "lines=-", f"calibration={home / 'cal.json'}", "first=0", "waiting=64")
        sort_stream(cfg, Rule(pauses=dict.fromkeys(range(100), 0.06)), Lookers([Watch()]))
    finally:
        pipe.Pipe.__init__.__defaults__ = plain
        os.close(read)
    sender.done()
    assert boxes(table(tmp_path / "o")) == boxes_of(directly(belt(), known))
    assert 0 < most <= 2 * 64


@pytest.mark.parametrize(("word", "decision"), [("keep", "ore"), ("drop", "waste")])
def test_what_comes_too_late_is_decided_by_policy_and_counted(
    tmp_path: Path, home: Path, known: Calibration, word: str, decision: str
):
    given = f"calibration={home / 'cal.json'}", "first=0", "deadline=2000", f"late={word}"
    found = piped(tmp_path / "o", sent(belt(), 16), *given, model=Rule(pauses={3: 2.5}))
    rows = table(tmp_path / "o")
    assert boxes(rows) == boxes_of(directly(belt(), known))
    late = rows[rows["reason"] == "policy:late"]
    assert 0 < len(late) == found.meter.late < len(rows)
    assert set(late["decision"]) == {decision}
    assert late["p_ore"].isna().all()
    assert late["low_mean"].notna().all()


def test_what_was_decided_is_on_disk_while_the_stream_runs_and_goes_on_where_it_was_left(
    tmp_path: Path, home: Path, known: Calibration
):
    out, seen = tmp_path / "o", []

    def send(port: int) -> None:
        with connected(port) as sender:
            sender.sendall(sent(cut(0, 500), end=False))
            for _ in range(100):
                time.sleep(0.05)
                file = out / "decisions.csv"
                if file.is_file() and (rows := file.read_text().count("\n")) > 9:
                    seen.append(rows)
                    return

    served(out, home, send)
    assert seen
    before = table(out)
    with (out / "decisions.csv").open("a") as torn:
        torn.write("999,belt_1,17,")

    def again(port: int) -> None:
        with connected(port) as sender:
            sender.sendall(sent(cut(600, 900), first=600))

    served(out, home, again)
    found = table(out)
    assert found[: len(before)].equals(before)
    later = found[len(before) :]
    assert set(later["scan"]) == {"belt_2"}
    assert boxes(later) == boxes_of(directly(cut(600, 900), known), 600)
    said = " | ".join(events(out, "restart"))
    assert f"{len(before)} decisions of an earlier process are kept" in said
    assert "a torn last row of 14 bytes is dropped" in said
    assert "lines 500 to 599 are lost" in said
    with pytest.raises(InputError, match="a stream with another threshold"):
        piped(out, sent(belt()), "threshold=0.2")
    with pytest.raises(InputError, match="holds decisions of a stream with another source"):
        sort_stream(settings(out, f"scans={tmp_path}", "watch=true"), Rule())


def test_a_folder_of_other_decisions_is_left_alone(tmp_path: Path):
    (tmp_path / "decisions.csv").write_text("id,what\n")
    with pytest.raises(InputError, match="without its decisions"):
        piped(tmp_path, sent(belt()))
    (tmp_path / "decisions.json").write_text('{"belts": []}')
    with pytest.raises(InputError, match="no stream's"):
        piped(tmp_path, sent(belt()))
    assert (tmp_path / "decisions.csv").read_text() == "id,what\n"
    assert threading.active_count() < 20


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "before a header"),
        (protocol.pack_header(WIDTH)[:11], "amid a header"),
        (sent(belt())[:100_000], "amid a frame"),
        (sent(belt())[: 24 + 2 * len(next(frames(belt()))) + 24], "amid a frame"),  # with a frame's head alone
        (protocol.pack_header(WIDTH) + bytes(200), "garbage in place of a frame"),
        (b"II*\0" + bytes(200), "no sender of lines"),
    ],
)
def test_standard_input_that_is_no_whole_stream_fails_once_what_came_is_decided(
    tmp_path: Path, home: Path, known: Calibration, data: bytes, why: str
):
    with pytest.raises(InputError, match=f"lines=-: .*{why}"):
        piped(tmp_path / "o", data, f"calibration={home / 'cal.json'}", "first=0")
    whole = (max(len(data) - 24, 0) // len(next(frames(belt())))) * 32
    expected = directly(cut(0, whole), known) if why == "amid a frame" else []
    assert boxes(table(tmp_path / "o")) == boxes_of(expected)
    assert "by an error" in events(tmp_path / "o", "end")[-1]


def test_lines_that_wait_for_a_calibration_are_decided_on_where_standard_input_breaks_off(tmp_path: Path, home: Path):
    words = f"calibration={home / 'cal.json'}", "first=1200"
    whole = sent(cut(0, 640))
    piped(tmp_path / "whole", whole, *words)
    with pytest.raises(InputError, match="amid a frame"):
        piped(tmp_path / "torn", sent(cut(0, 640), end=False) + next(frames(cut(640, 672), first=640))[:3_000], *words)
    found = boxes(table(tmp_path / "torn"))
    assert len(found) > 10
    assert found == boxes(table(tmp_path / "whole"))


def test_belts_that_follow_each_other_on_standard_input_are_all_sorted(tmp_path: Path, home: Path):
    words = f"calibration={home / 'cal.json'}", "first=0"
    piped(tmp_path / "one", sent(belt()), *words)
    piped(tmp_path / "two", sent(belt()) + sent(belt(), first=7), *words)
    one, two = (table(tmp_path / name) for name in ("one", "two"))
    assert two["scan"].tolist() == ["belt_1"] * len(one) + ["belt_2"] * len(one)
    assert boxes(two)[: len(one)] == boxes(one)
    assert boxes(two)[len(one) :] == [(x, y + 7, w, h) for x, y, w, h in boxes(one)]
    for more, why in ((b"PK", "amid a header"), (bytes(24), "no sender of lines")):
        with pytest.raises(InputError, match=f"lines=-: .*{why}"):
            piped(tmp_path / why[:4], sent(belt()) + more, *words)
        assert boxes(table(tmp_path / why[:4])) == boxes(one)


def test_that_most_particles_are_faulty_is_an_alarm_of_its_own(tmp_path: Path, home: Path, known: Calibration):
    words = f"calibration={home / 'cal.json'}", "first=0"
    low, high = belt()
    piped(tmp_path / "sound", sent((low, high)), *words)
    assert not events(tmp_path / "sound", "fault")
    piped(tmp_path / "o", sent((high, low)), *words)  # a cable that was plugged the other way round
    assert table(tmp_path / "o")["faulty"].mean() > 0.8
    (line,) = (line for line in events(tmp_path / "o", "fault") if "particles" in line)
    assert "20 of 20 particles in a row are faulty; see whether the layers belong together" in line
    assert any(
        "particles in a row" in note for note in json.loads((tmp_path / "o" / "decisions.json").read_text())["notes"]
    )


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (600, "no line is lost, as the sender counts: it goes on with 600"),
        (601, "lines 600 to 600 are lost, as the sender counts"),
        (7_000, "lines 600 to 6,999 are lost, as the sender counts"),
        (
            0,
            "lines from 600 of belt_1 on, if any were sent, are lost; the sender counts anew, so nobody knows how many",
        ),
    ],
)
def test_what_a_restart_has_lost_is_said_by_the_senders_numbers(first: int, said: str):
    log: list[tuple[str, str]] = []
    earlier = Earlier(True, belt="belt_1", next_line=600, belts=1)
    tell_lost(earlier, Piece("belt_2", first), lambda kind, text: log.append((kind, text)))
    assert log == [("restart", said)]
