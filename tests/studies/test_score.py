import numpy as np
import pytest

from oresort.scan.segment.particle import Particle
from studies.segmentation.crowd import crowded_scan
from studies.segmentation.measure import measure
from studies.segmentation.score import score

LABELS = np.zeros((100, 200), np.uint16)
LABELS[10:40, 20:50] = 1  # alone
LABELS[60:90, 20:50] = 2  # two in touch
LABELS[60:90, 52:80] = 3
LABELS[80:100, 120:150] = 4  # at the border
BELT = slice(0, 200)


def particle(*labels, **flags):
    mask = np.isin(LABELS, labels)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Particle(int(columns[0]), int(rows[0]), *reversed(mask[box].shape), False, mask[box], **flags)


def test_a_perfect_result_scores_so():
    table = score(LABELS, [particle(k) for k in (1, 2, 3, 4)], BELT)
    assert table["kind"].tolist() == ["isolated", "touching", "touching", "cut"]
    assert (table["iou"] == 1).all()
    assert not table[["flagged", "merged"]].to_numpy().any()


def test_a_merger_is_silent_unless_flagged():
    silent = score(LABELS, [particle(1), particle(2, 3)], BELT)
    assert silent["merged"].tolist() == [False, True, True, False]
    assert silent["iou"].tolist()[0] == 1
    assert silent["iou"].tolist()[3] == 0
    flagged = score(LABELS, [particle(1), particle(2, 3, touching=True)], BELT)
    assert not flagged["merged"].any()
    assert flagged["flagged"].tolist() == [False, True, True, False]


def test_nothing_found_scores_nothing():
    assert (score(LABELS, [], BELT)["iou"] == 0).all()


@pytest.mark.parametrize(("coverage", "settings"), [(0.1, {"exposure": 0.5}), (0.3, {"scale": 1.011, "shift": 0.5})])
def test_crowded_simulated_belts(coverage, settings):
    scan = crowded_scan(7, coverage, **settings)
    belt = scan.labels[:, 181:2810]
    assert (belt > 0).mean() == pytest.approx(coverage, abs=0.01)
    errors, table, _, _ = measure(scan)
    assert errors["air error"] < 0.002
    assert errors["registration error"] < 0.1
    isolated, touching = (table[table["kind"] == kind] for kind in ("isolated", "touching"))
    assert (isolated["iou"] >= 0.9).mean() >= 0.97
    assert touching["merged"].mean() <= 0.02 if len(touching) else True
