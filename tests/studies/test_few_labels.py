"""The study of few labels: its intervals, its words, what it runs and what it tabulates."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from oresort.data.index import index_pairs
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.models.build import build_model
from oresort.sorting import METRICS
from oresort.tables.bootstrap import Run, paired_difference
from studies.few_labels import pretexts
from studies.few_labels.__main__ import Options, draw, study
from studies.few_labels.compare import difference
from studies.few_labels.ways import FAR, SCRATCH, STARTS, TREES, TRIED, WAYS, Budget, Mines


def run(mine: int, skill: float, scans: int = 12) -> Run:
    rng = np.random.default_rng(mine)
    label = rng.random(scans * 10) < 0.5
    p_ore = rng.random(label.size) * (1 - skill) + skill * label
    table = {"id": [f"{i}" for i in range(label.size)], "scan": np.arange(label.size) // 10, "p_ore": p_ore}
    return Run(pd.DataFrame(table).assign(label=np.where(label, "ore", "waste")), 0.5)


def test_a_difference_is_the_mean_over_mines_with_an_interval_about_it():
    own, other = ({mine: [run(mine, skill)] for mine in (1, 2, 3)} for skill in (0.6, 0.1))
    found = difference(own, other)
    each = [paired_difference(own[mine], other[mine], "auroc") for mine in own]
    assert found.value == pytest.approx(np.mean([one.value for one in each if one]))
    assert found.low < found.value < found.high
    widths = [one.high - one.low for one in each if one]
    assert found.high - found.low == pytest.approx(np.mean(widths) / np.sqrt(3), rel=0.25)  # mines are independent
    assert difference(own, own) == (0, 0, 0)
    with pytest.raises(InputError, match="mine 1: its runs predicted other pairs"):
        difference(own, {mine: [run(mine, 0.1, scans=11)] for mine in own})


def test_few_labels_leave_the_test_whole(dataset: Path):
    whole, few = (index_pairs(PairsConfig(root=str(dataset), labelled=n)) for n in (None, 16))
    test = whole[whole["split"] == "test"]
    pd.testing.assert_frame_equal(few[few["split"] == "test"].reset_index(drop=True), test.reset_index(drop=True))
    assert set(few["id"]) < set(whole["id"])
    assert few.groupby(["split", "label"]).ngroups == 6
    kept = few[few["split"] != "test"]
    assert (kept.groupby("scan").size() == whole[whole["scan"].isin(kept["scan"])].groupby("scan").size()).all()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """The runs that the study asks for; each leaves a result that its way decides."""
    asked: list[tuple[str, int, int]] = []

    def row(self: Mines, way: str, seed: int, size: int) -> tuple[dict[str, Any], Path]:
        asked.append((way, seed, size))
        folder = self.folder(way, seed, size)
        folder.mkdir(parents=True, exist_ok=True)
        predicted = run(seed, 0.6 if way == FAR else 0.2).predictions
        predicted.assign(split="test").to_csv(folder / "predictions.csv", index=False)
        found = {"status": "finished", "name": "x", "seed": seed, "params": 1, "threshold": 0.5}
        found |= {f"test/{name}": 0.5 for name in METRICS} | {"pairs/train": size, "pairs/val": 2}
        (folder / "metrics.json").write_text(json.dumps(found))
        return found, folder

    monkeypatch.setattr(Mines, "row", row)
    return asked


def test_each_way_meets_each_mine_and_size_and_is_compared(asked: list[Any], tmp_path: Path):
    options = Options(work=tmp_path / "work", out=tmp_path / "out", mines=[3, 5], sizes=[300, 50])
    table = study(options)
    assert sorted(asked) == sorted((way, mine, size) for way in WAYS for mine in (3, 5) for size in (300, 50))
    assert table["size"].tolist() == [50] * len(WAYS) + [300] * len(WAYS)
    far = table[table.way == FAR]
    assert (far.difference > 10).all()
    assert (far.difference_low > 0).all()
    assert table[table.way == SCRATCH].difference.isna().all()
    assert table[table["size"] == 50].labelled.tolist() == [52] * len(WAYS)
    assert (tmp_path / "out" / "few_labels.png").is_file()
    labels = [text.get_text() for text in draw(table).axes[0].get_legend().get_texts()]
    assert sorted(labels) == sorted(WAYS)
    asked.clear()
    study(Options(**{**vars(options), "collect": True, "mines": [3], "ways": [FAR]}))
    assert {mine for _, mine, _ in asked} == {3}


def test_nothing_to_collect_and_a_way_that_is_none(tmp_path: Path):
    with pytest.raises(InputError, match="no finished run to collect"):
        study(Options(work=tmp_path, out=tmp_path / "out", collect=True))
    with pytest.raises(InputError, match="ways: unknown 'luck'"):
        study(Options(work=tmp_path, out=tmp_path / "out", ways=["luck"]))


@pytest.mark.parametrize("name", TRIED.values())
def test_the_pretexts_that_were_tried_have_a_loss_that_learns(name: str):
    torch.manual_seed(0)
    tower = {"_target_": "oresort.models.towers.compact.CompactTower", "widths": [4, 6]}
    parts = {"fusion": "fusions.data.Stack", "head": "heads.mlp.Linear"}
    net = build_model({"tower": tower, **{k: {"_target_": f"oresort.models.{v}"} for k, v in parts.items()}})
    pretext = getattr(pretexts, name)(net, 1, 16)
    cover = (torch.rand(24, 1, 16, 16) < 0.7).float()
    low, high = (torch.rand(24, 1, 1, 1) + 0.3 * torch.rand(24, 1, 16, 16) for _ in range(2))
    optimizer = torch.optim.Adam([*net.parameters(), *pretext.parameters()], lr=3e-3)
    losses = []
    for step in range(20):
        loss = pretext(net, low * cover, high * cover, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_every_way_runs_and_a_second_start_runs_nothing(tmp_path: Path):
    mines = Mines(tmp_path, ["recipe=lite"], 120, Budget(steps=2, epochs=1, far=120))
    for way in (*WAYS, *TRIED):
        row, folder = mines.row(way, 3, 60)
        assert row["status"] == "finished"
        assert (folder / "predictions.csv").is_file()
        before = (folder / "metrics.json").stat().st_mtime_ns
        mines.row(way, 3, 60)
        assert (folder / "metrics.json").stat().st_mtime_ns == before
    taken = {way: mines.row(way, 3, 60)[0].get("taken") for way in WAYS}
    assert taken[SCRATCH] is taken[TREES] is None
    assert taken["simulated labels"] == "towers, heads"
    assert taken["hidden blocks"] == "towers"
    assert taken["hidden blocks, then simulated labels"] == "towers, heads"
    assert set(STARTS) < set(taken)
