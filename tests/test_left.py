"""Tests leave nothing behind in the folder for temporary files."""

import os
import subprocess
import sys
from pathlib import Path

TEST = """
import os, subprocess, sys, tempfile

KILLED = "import os, tempfile; tempfile.mkdtemp(); os.kill(os.getpid(), 9)"

def test_that_leaves_two():
    tempfile.mkdtemp()
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -9
    assert len(os.listdir(tempfile.gettempdir())) == 2
"""


def test_what_a_test_and_a_killed_process_leave_goes_with_the_run(tmp_path: Path):
    (tmp_path / "temporary").mkdir()
    (tmp_path / "test_it.py").write_text(TEST)
    place = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    # first, since a folder of tests has a conftest of its own
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    place |= {"TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": paths}
    words = "-m pytest -p conftest -p no:cacheprovider -p no:hydra_pytest -p no:anyio -p no:xdist test_it.py"
    done = subprocess.run([sys.executable, *words.split()], cwd=tmp_path, env=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "temporary").iterdir()) == []
