"""Tab completion: what is offered, and what bash makes of it at a terminal."""

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oresort.console.complete import answer, completions
from oresort.paths import CONF_DIR, choices

SHELLS = {
    shell: pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell} here"))
    for shell in ("bash", "zsh", "fish")
}
SRC = Path(__file__).parents[2] / "src"


def one(last: str, *given: str, name: str = "train") -> list[str]:
    return sorted(completions(name, given, last))


def test_keys_come_a_level_at_a_time():
    assert one("trainer.max") == ["trainer.max_epochs="]
    assert one("traine") == ["trainer.", "trainer="]
    assert one("optim.l") == ["optim.lr="]
    assert "model.head.basis." in one("model.head.")
    assert one("pairs", name="simulate") == ["pairs="]


def test_groups_and_their_files():
    assert one("model/fusion=sta") == ["model/fusion=stack", "model/fusion=stack_both", "model/fusion=stacking"]
    assert one("callbacks=[ema,ev") == ["callbacks=[ema,every_epochs"]
    assert one("model/head=mlp,li") == ["model/head=mlp,linear"]
    assert one("+exp") == ["+experiment="]
    assert one("exp") == []  # it is added
    assert len(one("+experiment=")) == len(choices("experiment"))
    assert "hydra/launcher=local" in one("hydra/launcher=")
    assert one("hydra/", name="evaluate") == []  # no sweeps


def test_what_is_chosen_before_counts():
    assert one("logger.wandb.m") == []
    assert one("logger.wandb.m", "logger=[wandb]") == ["logger.wandb.mode=", "logger.wandb.model="]
    assert one("model.head.", "model/head=linear") == ["model.head._target_="]
    assert one("ablation/fusion=h", "+experiment=ablation_fusion") == ["ablation/fusion=hybrid"]


def test_own_files_are_offered(tmp_path: Path):
    (tmp_path / "model" / "fusion").mkdir(parents=True)
    (tmp_path / "model" / "fusion" / "mine.yaml").write_text("# Mine.\n")
    assert one("model/fusion=mi", "--config-dir", str(tmp_path)) == ["model/fusion=mine"]


def test_values_and_flags():
    assert one("tf32=") == ["tf32=false", "tf32=true"]
    assert one("--c") == ["--cfg", "--config-dir"]
    assert one("data.root=/") == []  # bash completes files


@pytest.mark.parametrize("verb", sorted(file.stem for file in CONF_DIR.glob("*.yaml")))
def test_every_offered_key_of_every_command_can_be_asked_for(verb: str):
    offered = one("", name=verb)
    assert any(word.startswith(("out=", "entity=")) for word in offered)
    assert not [word for word in offered if not word.endswith(("=", "."))]


def test_other_words_are_hydras():
    assert answer("train", ["-sc", "install=tcsh"]) is None
    assert answer("train", ["-sc", "uninstall=fish"]) is None
    assert answer("train", ["seed=1"]) is None


START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],  # without start files
}
READY = {
    "bash": "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; bind 'set page-completions off'\n",
    "zsh": "unsetopt beep prompt_sp; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D\n",
}


def environment(folder: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return {"PATH": path, "PYTHONPATH": str(SRC), "TERM": "dumb", "PS1": "> ", "HOME": str(folder), "LANG": "C.UTF-8"}


class Terminal:
    """A shell at a terminal that has evaluated the script."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve("/usr/bin/env", ["env", shell, *START[shell]], environment(folder))
        self.send(READY[shell])
        self.send(f'eval "$(python -m oresort.train -sc install={shell})"; echo rea""dy\n')
        self.until("ready")

    def send(self, text: str) -> None:
        os.write(self.end, text.encode())

    def until(self, text: str, seconds: float = 30) -> str:
        seen, stop = "", time.monotonic() + seconds
        while text not in seen:
            if time.monotonic() > stop or not select.select([self.end], [], [], 1)[0]:
                if time.monotonic() > stop:
                    raise AssertionError(f"{text!r} did not come, but {seen!r}")
                continue
            seen += os.read(self.end, 4096).decode()
        return seen

    def close(self) -> None:
        os.close(self.end)
        os.waitpid(self.pid, 0)


@pytest.mark.parametrize("shell", [SHELLS["bash"], SHELLS["zsh"]])
def test_what_is_typed_at_a_terminal_is_completed(shell: str, tmp_path: Path):
    (tmp_path / "my data").mkdir()
    (tmp_path / "other.py").touch()
    space = {"bash": "", "zsh": "/"}[shell]  # behind a folder
    terminal = Terminal(shell, tmp_path)
    try:
        for typed, becomes in {
            "python -m oresort.trai\t": "python -m oresort.train ",
            "python -m oresort.train model/fusion=hyb\t": "model/fusion=hybrid ",
            "python -m oresort.train trainer.max_e\t5 seed=1 optim.l\t": "trainer.max_epochs=5 seed=1 optim.lr=",
            "python -m oresort.train +experiment=ablation_fu\tablation/fus\t": "ablation/fusion=",
            "python3 -m oresort.evaluate ckp\t": "ckpt=",
            "python othe\t": "python other.py ",  # as before
            "python -m oresort.train data.root=my\t": f"data.root=my\\ data{space}",
        }.items():
            terminal.send(typed)
            terminal.until(becomes)
            terminal.send("\x15")  # forget the line
    finally:
        terminal.close()


@pytest.mark.parametrize("shell", [SHELLS["fish"]])
def test_fish_completes_a_line(shell: str, tmp_path: Path):
    (tmp_path / "my data").mkdir()
    for name in ("oresort-train", "other.py"):
        (tmp_path / name).touch()
    asked = {
        "python -m oresort.trai": ["oresort.train"],
        "python -m oresort.train model/fusion=hyb": ["model/fusion=hybrid"],
        "python -m oresort.train trainer.max_e": ["trainer.max_epochs="],
        "python -m oresort.train 'callbacks=[ema,ev": ["callbacks=[ema,every_epochs"],
        "python -m oresort.train +experiment=ablation_fusion ablation/fus": ["ablation/fusion="],
        "python3 -m oresort.evaluate ckp": ["ckpt="],
        "python -m oresort.train data.root=my": ["data.root=my data/"],
        "python othe": ["other.py"],  # as before
    }
    lines = ["python -m oresort.train -sc install=fish | source"]
    lines += [f"echo ==; complete -C {shlex.quote(line)}" for line in asked]
    words = [shell, "--no-config", "-c", "\n".join(lines)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment(tmp_path))
    found = [part.split("\n")[1:-1] for part in done.stdout.split("==")[1:]]
    assert dict(zip(asked, found, strict=True)) == asked
    assert done.stderr == ""


@pytest.mark.parametrize("shell", [SHELLS["bash"]])
def test_bash_keeps_what_python_completed_before(shell: str, tmp_path: Path):
    script = answer("train", ["-sc", "install=bash"])
    before = "_other() { COMPREPLY=(other); }; complete -F _other python"
    call = "COMP_LINE='python x'; COMP_POINT=8; _oresort python x python; echo ${COMPREPLY[@]}"
    lines = "\n".join([before, str(script), str(script), call])  # twice, as a start file may
    done = subprocess.run([shell, "--norc", "-c", lines], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "other\n"
    assert done.stderr == ""
