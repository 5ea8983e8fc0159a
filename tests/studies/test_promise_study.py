"""The study of promises: answers are fitted as they were drawn, and recovery in the long run is the true one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oresort.sorting.decide import is_ore
from studies.promise import Answers, Options, drawn, fitted, halves, long_run, parted, study

TRUE = Answers(0.6, (1.5, -1.2), (0.8, 0.5), (1.1, 1.4), 0.5)


def test_answers_are_fitted_as_they_were_drawn():
    found = fitted(drawn(TRUE, 3_000, 20, np.random.default_rng(0)))
    for own, true in zip(found, TRUE, strict=True):
        assert own == pytest.approx(true, abs=0.06)


def test_parting_variance_otherwise_keeps_it():
    for share in (0.0, 0.5, 1.0):
        other = parted(TRUE, share)
        assert np.hypot(other.between, other.within) == pytest.approx(np.hypot(TRUE.between, TRUE.within))
        assert np.square(other.between) == pytest.approx(share * np.square(np.hypot(TRUE.between, TRUE.within)))
    assert parted(TRUE, None) == TRUE


@pytest.mark.parametrize(("threshold", "shift"), [(0.3, 0.0), (0.6, 0.0), (0.3, 0.5)])
def test_recovery_in_the_long_run_is_that_of_many_particles(threshold: float, shift: float):
    many = drawn(TRUE, 20_000, 15, np.random.default_rng(1))
    moved = np.log(many.p_ore / (1 - many.p_ore.astype(float))) - shift * float(np.hypot(0.8, 1.1))
    p = 1 / (1 + np.exp(-moved))
    assert long_run(TRUE, threshold, shift) == pytest.approx(is_ore(p[many.ore], threshold).mean(), abs=0.01)
    assert long_run(TRUE, 0.0) == 1
    assert long_run(TRUE, 1.0) == 0


def test_the_study_runs_on_the_model_of_the_package(tmp_path: Path):
    table = study(Options(out=tmp_path, plants=20, scans=[20, 80], shifts=[1.0]))
    assert (tmp_path / "promise.png").is_file()
    pd.testing.assert_frame_equal(table[["kept"]].round(4), pd.read_csv(tmp_path / "promise.csv")[["kept"]])
    holds = table[(table["answers"] == "scans are alike") & (table["shift"] == 0)]
    assert (holds["kept_high"] >= 0.9).all()
    assert (table[(table["shift"] == 1) & (table["scans"] == 80)]["kept"] < 0.5).all()
    # 20 scans are too few for a promise of scans
    assert set(table.loc[table["promise of"] == "mass", "scans"]) == {80}


def test_halves_are_measured_on_other_scans():
    lot = drawn(TRUE, 60, 20, np.random.default_rng(2))
    rows = halves(Options(plants=30, scans=[10, 20, 40]), lot)
    assert [row["scans"] for row in rows] == [10, 20]
    assert all(0.9 < row["recovery_mean"] <= 1 for row in rows)
