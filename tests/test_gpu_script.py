"""The script for a bare machine with a GPU, tried on a CPU: each line comes at once, and what is wrong is not right."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "gpu.py"


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu_step

    return gpu_step


def test_a_machine_without_the_packages_is_told_what_to_carry_in_one_line():
    found = subprocess.run([sys.executable, "-I", "-S", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr == ""
    (line,) = found.stdout.splitlines()
    assert line.startswith("error: packages are missing; carry")
    assert {"hydra-core", "omegaconf", "albumentations", "xraylib", "imagecodecs", "pydantic-core", "rich"} <= set(
        line.split()
    )


def test_how_far_a_step_is_off_is_a_share_of_the_reference(step):
    reference = step.Step(2.0, torch.tensor([3.0, 4.0]), torch.tensor([1.0, 0.0]))
    off = step.apart(step.Step(2.1, torch.tensor([3.0, 4.5]), torch.tensor([0.0, 0.0])), reference)
    assert off == pytest.approx({"loss": 0.05, "gradients": 0.1, "weights": 1.0})


def test_the_work_of_a_step_is_counted_forward_and_back(step):
    from oresort.paths import part

    linear = {"tower": part("model/tower", "compact"), "fusion": part("model/fusion", "stack"), "share": False}
    small, large = (step.work({**linear, "head": part("model/head", "linear")}, 1, size) for size in (20, 40))
    # 6.9 million products a pair in inference, each two operations, and about twice as much again on the way back
    assert large == pytest.approx(3 * 2 * 6.9e6, rel=0.05)
    assert large == pytest.approx(4 * small, rel=0.1)


@pytest.mark.parametrize("broken", ["loss", "gradients", "weights"])
def test_a_step_that_is_not_finite_is_told_as_wrong(
    step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
):
    import gpu
    import gpu_parts

    tell = gpu.Telling(tmp_path / "gpu.json", 60)
    parts = gpu_parts.Parts(tell, "cpu", True, None, tmp_path)
    real = gpu_parts.apart
    monkeypatch.setattr(gpu_parts, "apart", lambda *steps: real(*steps) | {broken: float("nan")})
    parts.steps()
    assert tell.wrong
    lines = json.loads((tmp_path / "gpu.json").read_text())["lines"]
    assert [line["option"] for line in lines] == ["float64", "float32", "bf16"]
    assert {line["right"] for line in lines} == {False}
    assert capsys.readouterr().out.count("right False") == 3


@pytest.mark.slow
def test_all_of_it_runs_on_a_cpu_at_its_smallest_size(tmp_path: Path):
    words = [sys.executable, str(SCRIPT), "--device", "cpu", "--tiny", "--out", str(tmp_path), "--budget", "900"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}  # from the source tree alone
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert process.poll() is None, "a line comes when it is known"
        rest = process.stdout.read()
    assert process.returncode == 0, first + rest
    lines = json.loads((tmp_path / "gpu.json").read_text())["lines"]
    assert len(lines) == len((first + rest).splitlines())
    speeds = [line for line in lines if line["what"] == "speed"]
    assert len(speeds) == 10
    assert all(line["pairs/s"] > 0 and 0 < line["share of peak"] < 1 for line in speeds)
    assert {line["option"] for line in lines if line["what"] == "skipped"} == {"TF32", "bf16", "bf16, graph"}
    (seeds,) = (line for line in lines if line["what"] == "seeds")
    assert seeds["three at once, s"] > 0
    (whole,) = (line for line in lines if line["what"] == "whole training")
    assert 0 <= whole["test AUROC"] <= 1
    assert whole["train, s"] > 0


@pytest.mark.slow
def test_nothing_outlives_it_when_it_is_killed(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from oresort.belt import write_pairs; print('begun', flush=True);"
        "write_pairs(Path(sys.argv[1]), 4000, 0, workers=2)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "data")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not list(tmp_path.glob("data/*/*/low.tiff")):  # its children are at work
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)  # until all that hold its pipe have ended
    count = len(list(tmp_path.glob("data/*/*")))
    time.sleep(2)
    assert len(list(tmp_path.glob("data/*/*"))) == count
