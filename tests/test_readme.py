"""What README.md, docs/ and experiments/ tell a reader to type works, and what they point to is there."""

import importlib
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from pairs import particle
from test_ranges import SCHEMAS

from oresort.console.compose import composed
from oresort.learn.sweep import register_resolvers
from studies.pages import pages

ROOT = Path(__file__).parents[1]
PAGES = [page.relative_to(ROOT) for page in pages(ROOT)]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )?(?:python (?:-m oresort\.|-m studies\.|benchmarks/)|make )")
VERBS = re.findall(r'^oresort-\S+ = "(\S+):main"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall((ROOT / page).read_text()) if kind == language]


def commands(page: Path) -> list[str]:
    """The commands of a page's blocks, each on one line, without comments and without what is left out (...)."""
    lines = "".join(blocks(page, "")).replace("\\\n", " ").splitlines()
    found = [line.split("  #")[0].strip() for line in lines if COMMAND.match(line)]
    return [line for line in found if " ... " not in line and "--config-dir" not in line]


TYPED = [(page, line) for page in PAGES for line in commands(page)]
TABLE = re.findall(r"^\| `([a-z_]+(?: [^`|]+)?)` \| ", (ROOT / "README.md").read_text(), re.MULTILINE)
VERB_ROWS = [row for row in TABLE if any(row.split()[0] in verb for verb in VERBS)]


def composes(command: Any, verb: str, *words: str) -> None:
    """Compose a command's configuration as typed; nothing is run."""
    # of a sweep: the first of the values
    single = [word for word in words if word != "-m" and "=glob(" not in word]
    first = [re.sub(r"^([^=]+=[^\[{,]*),.*", r"\1", word) for word in single]
    if not first or first[0].startswith("-"):  # of nothing, what must be given is not
        (module,) = {name for name in VERBS if name.split(".")[1] == verb}
        code, _, err = command(importlib.import_module(module), *first, "--cfg", "job")
        assert code == 0, err
    else:
        register_resolvers()
        composed(verb, SCHEMAS[verb], *first)


@pytest.mark.parametrize(("page", "line"), TYPED, ids=[f"{page}: {line[:60]}" for page, line in TYPED])
def test_a_typed_command_is_one(page: Path, line: str, command: Any):
    words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\S+", word) or "make" in line]
    if words[0] == "make":
        words = [word if word != "DATA=DIR" else "DATA=/" for word in words]
        shown = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
        trains = re.findall(r"-m oresort\.train ([^;\n]*)", shown.stdout)
        for text in trains[:1]:
            composes(command, "train", *shlex.split(text))
    elif words[1] == "-m" and words[2].startswith("oresort."):
        composes(command, words[2].removeprefix("oresort."), *words[3:])
    elif words[1] == "-m":
        name = words[2] if (ROOT / Path(*words[2].split("."))).with_suffix(".py").is_file() else f"{words[2]}.__main__"
        options = importlib.import_module(name).Options
        given = OmegaConf.merge(OmegaConf.structured(options), OmegaConf.from_dotlist(words[3:]))
        OmegaConf.to_object(given)
    else:
        assert (ROOT / words[1]).is_file()
        flags = {word for word in words if word.startswith("--")}
        texts = " ".join(file.read_text() for file in (ROOT / "benchmarks").glob("*.py"))
        assert all(f'"{flag}"' in texts for flag in flags)


@pytest.mark.parametrize("row", VERB_ROWS)
def test_a_command_of_the_table_composes(row: str, command: Any):
    verb, *words = row.replace("+experiment=NAME", "+experiment=paper").split()
    composes(command, verb, *words)


def test_the_table_names_every_command():
    # those beyond are for maintainers, and docs/experiments.md has them
    named = {row.split()[0] for row in VERB_ROWS}
    assert {name.split(".")[1] for name in VERBS} - named <= {"dashboard"}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_points_to_is_there(page: Path):
    text = re.sub("`[^`]*`", "", FENCE.sub("", (ROOT / page).read_text()))
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        file = (ROOT / page.parent / target) if target else ROOT / page
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_python_example_runs(trained: Path):
    (text,) = blocks(Path("README.md"), "python")
    low, high = particle(np.random.default_rng(0), ore=True)
    names: dict[str, Any] = {"low": low, "high": high}
    exec(text.replace("demo/runs/0", str(trained)), names)
    assert 0 < names["p_ore"].item() < 1
