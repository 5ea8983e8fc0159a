"""A stream that is told to stop, or killed: what was decided is on the disk, and the next process goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runtime.belts import belt, boxes, boxes_of, calibration, connected, directly, events, port_of, sent, table

CODE = """
import sys
from runtime.belts import Rule
from oresort.console.command import run_command
from oresort.runtime.run import sort
from oresort.runtime.settings import SortConfig
run_command("sort", "", SortConfig, lambda cfg: sort(cfg, Rule()))
"""


def started(home: Path, out: Path, first: int = 0) -> subprocess.Popen[str]:
    words = "ckpt=rule", f"out={out}", "lines=tcp:0", f"calibration={home / 'cal.json'}", f"first={first}"
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *words],
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        text=True,
    )


def rows_in(out: Path, least: int) -> int:
    for _ in range(600):
        file = out / "decisions.csv"
        if file.is_file() and (count := file.read_text().count("\n") - 1) >= least:
            return count
        time.sleep(0.05)
    raise AssertionError("nothing is decided")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_all_that_came_decided(tmp_path: Path, number: signal.Signals):
    known = calibration(tmp_path / "home")
    out = tmp_path / "out"
    process = started(tmp_path / "home", out)
    with process, connected(port_of(out)) as sender:
        sender.sendall(sent((belt()[0][:500], belt()[1][:500]), end=False))
        rows_in(out, 10)
        process.send_signal(number)
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert [line for line in err.splitlines() if line.startswith("error: ")] == ["error: interrupted"]
    found = table(out)
    assert boxes(found) == boxes_of(directly((belt()[0][:500], belt()[1][:500]), known))
    record = json.loads((out / "decisions.json").read_text())
    assert record["stream"]["ended"] == f"by signal {int(number)}"
    assert record["particles"] == len(found)


def test_a_signal_before_there_are_lines_to_calibrate_on_is_an_interrupt_that_says_what_is_lost(tmp_path: Path):
    calibration(tmp_path / "home")
    out = tmp_path / "out"
    process = started(tmp_path / "home", out, first=700)
    with process, connected(port_of(out)) as sender:
        sender.sendall(sent((belt()[0][:20], belt()[1][:20]), end=False))
        while not events(out, "sender"):
            time.sleep(0.05)
        time.sleep(0.5)  # until its lines are read
        process.terminate()
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    (said,) = (line for line in err.splitlines() if line.startswith("error: "))
    assert said.startswith("error: interrupted; lines=tcp:0: the first 20 lines")
    assert len(table(out)) == 0


def test_after_a_kill_what_was_decided_is_there_and_what_is_lost_is_named(tmp_path: Path):
    known = calibration(tmp_path / "home")
    out = tmp_path / "out"
    with started(tmp_path / "home", out) as process, connected(port_of(out)) as sender:
        sender.sendall(sent((belt()[0][:400], belt()[1][:400]), end=False))
        count = rows_in(out, 15)
        process.kill()
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    before = table(out)
    assert len(before) >= count
    expected = directly(belt(), known)
    assert boxes(before) == boxes_of(expected)[: len(before)]
    with started(tmp_path / "home", out) as process, connected(port_of(out, before=1)) as sender:
        sender.sendall(sent((belt()[0][400:], belt()[1][400:]), first=400))
        rows_in(out, len(before) + 20)
        process.terminate()
        process.communicate(timeout=60)
    found = table(out)
    assert found[: len(before)].equals(before)
    assert set(found["scan"][len(before) :]) == {"belt_2"}
    end = int((before["y"] + before["h"]).iloc[-1])
    assert f"lines {end} to 399 are lost, as the sender counts" in events(out, "restart")
