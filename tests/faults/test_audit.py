"""What a process does besides its work: no sockets, no programs but two, no pickles, no code of the working folder."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.world import MODEL

CHILD = """
import importlib, json, os, sys
from pathlib import Path

log = []
WATCHED = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "pty.", "pickle.find_class")

def watch(event, args):
    if event.startswith(WATCHED):
        # a program by its name, a class by its own
        log.append([event, [str(part) for part in args[:2]]])

for name in json.loads(sys.argv[1]):
    __import__(name)  # what libraries do when they are imported is theirs
sys.path.insert(0, os.getcwd())
sys.addaudithook(watch)
for words in json.loads(sys.argv[2]):
    sys.argv = [f"oresort-{words[0]}", *words[1:]]
    importlib.import_module(f"oresort.{words[0]}").main()
here = [name for name, module in sys.modules.items()
        if str(getattr(module, "__file__", None) or "").startswith(os.getcwd())]
Path("log.json").write_text(json.dumps({"log": log, "here": here}))
"""

COMMANDS = [
    f"train data.root=set {MODEL} out=new",
    "evaluate ckpt=new data.root=set out=e",
    "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff out=s",
]


@pytest.fixture
def seen(here: Callable[[str], Path]) -> dict[str, list]:
    """What a process did that trained, evaluated and sorted in a folder full of traps."""
    folder = here("here")
    # names that a library may try to import, and that of the checkpoint's own classes
    for name in ("sitecustomize", "usercustomize", "oresort_extra", "my_model", "triton", "cupy", "tensorboardX"):
        (folder / f"{name}.py").write_text("raise SystemExit('a trap')\n")
    words = json.dumps([line.split() for line in COMMANDS])
    libraries = json.dumps(["torch", "lightning", "hydra", "pandas", "matplotlib.pyplot"])
    child = subprocess.run(
        [sys.executable, "-P", "-c", CHILD, libraries, words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    return json.loads((folder / "log.json").read_text())


def test_work_opens_no_socket_and_starts_no_program_but_two_and_unpickles_nothing(seen: dict[str, list]):
    programs = [args for event, args in seen["log"] if event == "subprocess.Popen"]
    assert programs, "the hook sees nothing"
    assert {args[0] for args in programs} <= {"git", "uname"}  # which code this is, and Python's look at the machine
    rest = [entry for entry in seen["log"] if entry[0] not in ("subprocess.Popen", "os.fork", "os.posix_spawn")]
    assert rest == []
    started = [entry for entry in seen["log"] if entry[0] in ("os.fork", "os.posix_spawn")]
    assert len(started) <= len(programs)
    assert seen["here"] == []
