import math

import numpy as np
import pytest
import torch

from oresort.learn.metrics import binary_metrics
from oresort.sorting import METRICS


def test_known_answers_by_hand():
    p = torch.tensor([0.9, 0.8, 0.7, 0.4, 0.3, 0.1])
    y = torch.tensor([1, 1, 0, 1, 0, 0])
    found = binary_metrics(p, y, 0.5)
    assert tuple(found) == METRICS
    # called ore: 2 true, 1 false; missed: 1; rightly rejected: 2
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["balanced_accuracy"] == pytest.approx(2 / 3)
    assert found["mcc"] == pytest.approx((2 * 2 - 1 * 1) / math.sqrt(3 * 3 * 3 * 3))
    assert found["auroc"] == pytest.approx(8 / 9)
    assert found["average_precision"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found["brier"] == pytest.approx(np.mean([0.01, 0.04, 0.49, 0.36, 0.09, 0.01]))


def test_a_probability_at_the_threshold_is_ore():
    assert binary_metrics(torch.tensor([0.5, 0.2]), torch.tensor([1, 0]), 0.5)["recall"] == 1


def test_perfectly_calibrated_and_perfectly_wrong():
    y = torch.tensor([0, 1] * 10)
    assert binary_metrics(y.float(), y, 0.5)["ece"] == pytest.approx(0, abs=1e-6)
    assert binary_metrics(1 - y.float(), y, 0.5)["ece"] == pytest.approx(1, abs=1e-6)


def test_what_is_undefined_is_nan():
    found = binary_metrics(torch.tensor([0.2, 0.3]), torch.tensor([0, 0]), 0.5)
    assert all(math.isnan(found[name]) for name in ("auroc", "recall", "precision", "mcc"))
    assert found["accuracy"] == 1
