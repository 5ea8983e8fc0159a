"""Processes that decide beside the one that finds particles: the same decisions, and none is left when it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from runtime.belts import Lines, Rule, belt, connected, events, port_of, sent, table
from runtime.test_sort_stream import served
from runtime.test_stream_signals import rows_in

from oresort.errors import InputError
from oresort.runtime.model import Model
from oresort.runtime.onnx import open_model
from oresort.runtime.sorter import Sorter
from oresort.runtime.source.wire import GoneError, Wire
from oresort.runtime.stream.beside import Beside, Opening, workers_of
from oresort.runtime.stream.cutting import Worked
from oresort.runtime.stream.group import Arrivals, Group
from oresort.scan.calibrate.calibration import Calibration
from oresort.sorting.policy import Policy


@cache
def model() -> Model:
    return open_model("builtin")


def opening() -> Opening:
    known = model()
    assert known.cut is not None
    return Opening(str(known.file), known.digest, Policy(), known.threshold, known.cut, None)


def part(start: int, stop: int) -> Lines:
    low, high = belt()
    return low[start:stop], high[start:stop]


def two_belts(port: int) -> None:
    for start, stop, count in ((0, 413, 7), (413, 900, 64)):
        with connected(port) as sender:
            sender.sendall(sent(part(start, stop), count, first=start))


def children_of(process: int) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(file.read_text().rsplit(")", 1)[1].split()[1]) == process:
                found.append(int(file.parent.name))
        except OSError:
            continue
    return found


def has_ended(process: int) -> bool:
    for _ in range(200):
        try:
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@contextmanager
def started(home: Path, out: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    given = "ckpt=builtin", f"out={out}", "lines=tcp:0", f"calibration={home / 'cal.json'}", "first=0", *words
    with subprocess.Popen(
        [sys.executable, "-m", "oresort.sort", *given],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_decisions_are_the_same_however_many_processes_decide(tmp_path: Path, home: Path, known: Calibration):
    tables = []
    for workers in (0, 1, 3):
        out = tmp_path / str(workers)
        served(out, home, two_belts, f"workers={workers}", model=model())
        tables.append((out / "decisions.csv").read_bytes())
        assert len(table(out)) > 20
    assert tables[1:] == tables[:1] * 2


def test_what_comes_too_late_is_passed_over_there_too(tmp_path: Path, home: Path, known: Calibration):
    found = served(tmp_path / "o", home, two_belts, "workers=1", "deadline=0.001", "late=drop", model=model())
    rows = table(tmp_path / "o")
    assert set(rows["reason"]) == {"policy:late"}
    assert set(rows["decision"]) == {"waste"}
    assert rows["p_ore"].isna().all()
    assert found.meter.late == len(rows)


def test_a_checkpoint_is_decided_on_in_one_process():
    assert workers_of(None, Rule()) == 0
    assert workers_of(0, model()) == 0
    assert workers_of(5, model()) == 5
    with pytest.raises(InputError, match="workers=2: rule is a checkpoint; export it"):
        workers_of(2, Rule())


def test_a_model_that_was_replaced_is_refused():
    with Beside(opening()._replace(digest="0" * 64)) as other, pytest.raises(InputError, match="was replaced"):
        other.ready()
    with Beside(opening()._replace(model="nowhere.onnx")) as other, pytest.raises(InputError, match=r"nowhere\.onnx"):
        other.ready()


def worked(known: Calibration) -> Worked:
    sorter = Sorter(model(), known)
    (group, *_) = sorter.find(*belt())
    return Worked(sorter, belt()[:1], Group(20 * group, Arrivals([0], [0.0])), 0, 0.0, 0, ())


def test_it_can_be_closed_while_a_question_waits_for_room(known: Calibration):
    other, question = Beside(opening()), worked(known)
    other.ready()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():  # nobody takes the answers: in the end both pipes are full
            other.ask(question)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    time.sleep(3)
    stop.set()
    other.close()
    asking.join(10)
    assert not asking.is_alive()


def test_a_question_that_cannot_be_sent_is_told_to_whoever_waits_for_its_answer(known: Calibration):
    question = worked(known)
    with Beside(opening()) as other:
        other.ready()
        broken = question._replace(group=question.group._replace(regions=threading.Lock()))
        with pytest.raises(TypeError, match="pickle"):
            other.ask(broken)
        with pytest.raises(TypeError, match="pickle"):
            other.answer()


def test_no_code_of_the_working_folder_runs_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("cv2", "numpy", "onnxruntime", "pickle"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a trap')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, ""])
    with Beside(opening()) as other:
        other.ready()


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
class TestEnd:
    def test_where_the_other_process_dies_what_it_decided_is_on_disk_and_the_same_command_goes_on(
        self, tmp_path: Path, home: Path, known: Calibration
    ):
        out = tmp_path / "out"
        with started(home, out, "workers=1") as process, connected(port_of(out)) as sender:
            sender.sendall(sent(part(0, 500), end=False))
            rows_in(out, 8)
            (other,) = children_of(process.pid)
            os.kill(other, signal.SIGKILL)
            sender.sendall(sent(part(500, 900), first=500)[24:])  # without another header
            said = process.communicate(timeout=60)[1]
        assert process.returncode == 1
        assert "error: the process that decides on particles has ended (-9)" in said
        before = table(out)
        with started(home, out, "workers=1", "idle=1.5") as process, connected(port_of(out, before=1)) as sender:
            sender.sendall(sent(part(500, 900), first=500))
            process.communicate(timeout=60)
        assert process.returncode == 0
        assert table(out)[: len(before)].equals(before)
        assert len(table(out)) > len(before) + 8

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_to_all_of_them_loses_nothing_that_came(
        self, tmp_path: Path, home: Path, known: Calibration, number: signal.Signals
    ):
        out = tmp_path / "out"
        with started(home, out, "workers=2") as process, connected(port_of(out)) as sender:
            others = children_of(process.pid)
            assert len(others) == 2
            sender.sendall(sent(part(0, 700), end=False))
            rows_in(out, 8)
            for one in (process.pid, *others):
                os.kill(one, number)
            process.communicate(timeout=60)
        assert process.returncode == 128 + number
        assert "700 lines" in events(out, "end")[-1]
        assert all(map(has_ended, others))

    def test_they_end_with_the_one_that_is_killed(self, tmp_path: Path, home: Path, known: Calibration):
        with started(home, tmp_path / "out", "workers=2") as process:
            port_of(tmp_path / "out")
            others = children_of(process.pid)
            process.kill()
        assert len(others) == 2
        assert all(map(has_ended, others))


def test_to_wait_for_a_sender_takes_no_processor():
    read, write = os.pipe()

    def late() -> None:
        time.sleep(0.4)
        os.write(write, b"here")

    sender = threading.Thread(target=late)
    sender.start()
    ticks: list[float] = []
    place, wire = bytearray(4), Wire(read, ticks.append)
    begun = time.thread_time()
    wire.fill(memoryview(place))
    spent = time.thread_time() - begun
    sender.join()
    assert bytes(place) == b"here"
    assert spent < 0.1  # of 0.4: to ask again and again took all of it
    assert 2 <= len(ticks) <= 5
    os.close(write)
    with pytest.raises(GoneError):
        wire.fill(memoryview(place))
    os.close(read)
