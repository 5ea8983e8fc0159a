"""The pages of docs/ work as they stand: their files are written, their commands run."""

import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from pairs import SMALL

from oresort import evaluate, train
from oresort.learn.config import TrainConfig
from oresort.models.build import build_model

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"PYTHONPATH=\. python -m oresort\.train (.*data\.root=DIR)$", re.MULTILINE)


@pytest.fixture
def written(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Write a page's files into an empty folder and go there; the words of its command."""
    text = (DOCS / request.param).read_text()
    blocks = BLOCK.findall(text)
    assert len(blocks) >= 2
    for name, content in blocks:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as handle:
            handle.write(content + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (command,) = COMMAND.findall(text)
    words = tuple(command.replace(" data.root=DIR", "").split())
    yield words
    for name in [Path(name).stem for name, _ in blocks]:
        sys.modules.pop(name, None)


PAGES = ["fusion.md", "basis.md", "experiments.md", "parts.md"]
MODELS = (DOCS / "models.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The table under a heading of models.md, without its head, cells stripped of backticks."""
    part = MODELS.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("row", rows("The paper's parameter counts"), ids=lambda row: f"{row[0]}, {row[1]}")
def test_the_papers_counts_are_those_of_the_words(row: list[str], compose_train: Callable[..., TrainConfig]):
    _, name, words, paper, here = row
    model = compose_train(*words.split(), small=False).model
    with torch.device("meta"):  # shapes only
        count = sum(p.numel() for p in build_model(asdict(model)).parameters())
    assert f"{count / 1e6:.2f}" == here
    assert here == paper or (name == "Swin-Tiny" and paper == "24.52")


@pytest.mark.parametrize("row", rows("Fusions"), ids=lambda row: row[0])
def test_the_weights_of_fusions(row: list[str], compose_train: Callable[..., TrainConfig]):
    spec = compose_train(f"model/fusion={row[0]}", "model/head=linear", small=False).model
    fusion = build_model(asdict(spec)).fusion
    assert str(sum(p.numel() for p in fusion.parameters())) == row[3]


@pytest.mark.parametrize("written", PAGES, indirect=True)
def test_a_page_trains_what_it_writes(written: tuple[str, ...], command: Any, dataset: Path, tmp_path: Path):
    own = any(word.startswith("model/tower=") for word in written)  # whose file says how wide it is
    small = [word for word in SMALL if not (own and word.startswith("model."))]
    words = (*written, f"data.root={dataset}", *small)
    code, _, err = command(train, *words, f"out={tmp_path}/run")
    assert code == 0, err
    stored = (tmp_path / "run" / "config.yaml").read_text()
    assert "my_" in stored
    ckpt = tmp_path / "run" / "checkpoints" / "best.ckpt"
    code, _, err = command(evaluate, f"ckpt={ckpt}", f"data.root={dataset}")
    assert code == 0, err


@pytest.mark.parametrize("written", PAGES[:1], indirect=True)
def test_the_pages_other_fusion_and_its_claims(written: tuple[str, ...], command: Any, dataset: Path, tmp_path: Path):
    words = (*written, f"data.root={dataset}", *SMALL)
    other = "model.fusion._target_=my_fusions.Siamese"
    code, _, err = command(train, *words, other, "~model.fusion.start", f"out={tmp_path}/siamese")
    assert code == 0, err
    code, _, err = command(train, *words, "+model.fusion.strat=1", f"out={tmp_path}/typo")
    assert code == 1
    assert "'strat'; accepted: start" in err.replace("\n", " ")
