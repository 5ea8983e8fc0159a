"""What `sort` tells of a belt without labels: its yield, what is expected of it, and a log of shifts."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from lots import drawn
from pairs import AIR, write_image

from oresort import sort
from oresort.learn.checkpoint import load_trained, remember
from oresort.runtime.told import COLUMNS, Told
from oresort.scan.segment.particle import Particle
from oresort.sorting.decision import Decision
from oresort.sorting.drift import PairFigures, describe_pairs
from oresort.sorting.operating import Operating
from oresort.sorting.point import Point, choose_point

LOOKS = PairFigures(1.5, 1.0, 1.5, 0.02, 0.02, 900.0, 1.0)


def decision(p: float, mass: float = 100.0, word: str | None = None, looks: PairFigures = LOOKS) -> Decision:
    particle = Particle(0, 0, 30, 30, False, np.empty((0, 0), np.bool_))
    made = word or ("ore" if p >= 0.5 else "waste")
    return Decision(particle, 900, mass, 1.5, 1.0, looks, np.float32(p), made, "threshold")


def model_knowing(known: Any, seen: Any = None) -> Any:
    return SimpleNamespace(known=known, seen=seen or {})


def test_a_scan_that_looks_otherwise_is_named_in_the_log(tmp_path: Path):
    seen = {"pairs": describe_pairs([LOOKS] * 200, [str(i // 10) for i in range(200)])}
    told = Told(model_knowing(None, seen), Point(0.5), "")
    for i in range(30):
        told.add("a", decision(0.9 if i % 3 else 0.1), 7 + i)
        told.add("b", decision(0.9, looks=LOOKS._replace(high_mean=2.0)), i)
    told.add("c", decision(math.nan, word="ore"), 99)
    table = pd.read_csv(told.write(tmp_path), keep_default_na=False)
    assert tuple(table.columns) == COLUMNS
    assert table["scan"].tolist() == ["a", "b", "c"]
    assert table["line"].astype(int).tolist() == [7, 0, 99]
    assert table["particles"].tolist() == [30, 30, 1]
    assert table["ore"].astype(float).tolist() == pytest.approx([2 / 3, 1, 1], abs=1e-4)
    assert table["alarms"][0] == ""
    assert "mean h of the particles 2.000 against 1.000" in table["alarms"][1]
    assert table["high_mean"].tolist() == ["1", "2", ""]
    assert "knows no validation pairs" in told.record()["expected_left_out"]["recovery"]


def test_a_record_counts_all_that_was_decided():
    known = drawn(0, 600)
    told = Told(model_knowing(known), Point(0.5), "")
    for i in range(1_000):
        told.add(str(i // 100), decision(float(known.p_ore[i % 600]), mass=50 + i % 7), i)
    record = told.record()
    kept = [50 + i % 7 for i in range(1_000) if known.p_ore[i % 600] >= 0.5]
    assert record["expected"]["mass_yield"]["value"] == pytest.approx(sum(kept) / sum(50 + i % 7 for i in range(1_000)))
    assert 0.5 < record["expected"]["recovery"]["low"] < record["expected"]["recovery"]["value"] <= 1
    assert record["unanswered"] == 0
    assert told.record() == record  # asking changes nothing


@pytest.fixture
def belt(tmp_path: Path) -> tuple[str, ...]:
    """Words that name a scan of three discs."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :400]
    for layer, attenuation in (("low", 1.5), ("high", 1.0)):
        counts = np.full((200, 400), AIR)
        for k in range(3):
            counts[(y - 100) ** 2 + (x - 80 - 120 * k) ** 2 < 25**2] *= np.exp(-attenuation)
        image = (counts * (1 + 0.02 * rng.standard_normal(counts.shape))).clip(1, 65_534).astype(np.uint16)
        write_image(tmp_path / f"{layer}.tiff", image)
    return f"low={tmp_path / 'low.tiff'}", f"high={tmp_path / 'high.tiff'}", f"out={tmp_path / 'out'}", "device=cpu"


def test_sort_moves_a_model_by_a_rule_and_records_what_it_expects(
    command: Any, trained: Path, belt: tuple[str, ...], tmp_path: Path
):
    content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    torch.save(content, tmp_path / "m.ckpt")
    lot = drawn(1, 400)
    remember(tmp_path / "m.ckpt", lot, Point(load_trained(trained).threshold, band=0.05))
    words = (f"ckpt={tmp_path / 'm.ckpt'}", *belt, "overlay=false")
    code, out, err = command(sort, *words, "threshold=recovery")
    assert code == 0, err
    record = json.loads((tmp_path / "out" / "decisions.json").read_text())
    expected = choose_point("recovery", load_trained(tmp_path / "m.ckpt").known, Operating())
    assert record["threshold"] == expected.threshold
    assert record["operating_point"]["promise"] == dict(expected.promise)
    assert record["operating_point"]["band"] == 0.05
    assert record["expected"]["metal_recovery"]["low"] > 0
    assert "at least 95 % of ore particles" in out
    assert len(pd.read_csv(tmp_path / "out" / "shift.csv")) == 1
    code, out, err = command(sort, *words, "threshold=recovery", "clipped=drop")
    assert code == 0, err
    assert "of what clipped=drop throws out nothing is promised" in out
    code, _, err = command(sort, *words, "threshold=recovery", "unsure=drop")
    assert code == 1
    assert "unsure=drop band=0.05: throws out ore" in err
    for unsure, done in (("drop", "thrown out"), ("decide", "decided by it"), ("keep", "kept")):
        code, out, err = command(sort, *words, "threshold=0.4", f"unsure={unsure}")
        assert code == 0, err
        assert f"particles within 0.05 of it are {done}" in out
    code, _, err = command(sort, *words, "threshold=0.2", "band=0")
    assert code == 0, err
    record = json.loads((tmp_path / "out" / "decisions.json").read_text())
    assert record["operating_point"]["rule"] == "given"
    assert record["operating_point"]["band"] == 0
    code, _, err = command(sort, *words, "threshold=value")
    assert code == 1
    assert "no prices" in err


def test_a_rule_wants_a_model_that_knows_validation_pairs(
    command: Any, trained: Path, belt: tuple[str, ...], tmp_path: Path
):
    content = torch.load(trained / "checkpoints" / "best.ckpt", weights_only=True)
    torch.save({key: value for key, value in content.items() if key not in ("known", "point")}, tmp_path / "m.ckpt")
    code, _, err = command(sort, f"ckpt={tmp_path / 'm.ckpt'}", *belt, "threshold=f1")
    assert code == 1
    assert "threshold=f1" in err
    assert "knows no validation pairs to choose it on" in err
