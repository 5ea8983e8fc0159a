"""Another sorter, another feed: each condition changes what it says, by as much as it says, and nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from oresort.belt import simulate_scan, write_pairs, write_scans
from oresort.belt.conditions import Conditions
from oresort.belt.rock import LITHOLOGIES, draw_lot
from oresort.belt.scan import Scan
from oresort.belt.sorter import AXIS
from oresort.belt.spread import spread
from oresort.errors import InputError
from oresort.files.image import read_image
from oresort.files.manifest import load_manifest
from oresort.xray.beam import make_beam, transmission
from oresort.xray.detector import Stack
from oresort.xray.minerals import DENSITIES, MINERALS


def scan(particles: int = 6, **conditions: Any) -> Scan:
    return simulate_scan(4, particles=particles, conditions=Conditions(**conditions), drift=0.0)


def attenuations(made: Scan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean l and h of each particle of a scan."""
    counts = (made.low, made.high)
    logs = [np.log(air / np.maximum(c, 1.0)) for c, air in zip(counts, made.settings.air, strict=True)]
    means = [[log[made.labels == k].mean() for k in range(1, len(made.truth) + 1)] for log in logs]
    return np.array(means[0]), np.array(means[1])


# of the first three pairs of seed 3, by the version before
BEFORE = [[608, 12, 62, 66, 52679], [1048, 370, 89, 95, 52679], [932, 240, 95, 70, 51984]]  # x, y, w, h, air
GRADES = [15.99724, 0.13022, 0.01894]


@pytest.fixture(scope="module")
def quiet() -> Scan:
    return scan(noise=0.0)


def test_seeds_give_what_they_gave_before_there_were_conditions(tmp_path: Path):
    manifest = write_pairs(tmp_path, 12, seed=3)
    boxes = manifest[["x", "y", "w", "h", "air"]].to_numpy().tolist()
    assert boxes[:3] == BEFORE
    assert manifest["grade"].tolist()[:3] == pytest.approx(GRADES, rel=1e-4)


def test_noise_is_a_factor_on_the_deviation_of_pixels_alone(quiet: Scan):
    for layer in ("low", "high"):
        still, plain, noisy = (
            getattr(made, layer)[:, 300:2700].astype(float) for made in (quiet, scan(), scan(noise=1.5))
        )
        assert (noisy - still).var() / (plain - still).var() == pytest.approx(2.25, rel=1e-3)
        # the same quanta, only more of them: rows and columns keep their pattern
        assert np.corrcoef((noisy - still).ravel(), (plain - still).ravel())[0, 1] > 0.9999


SORTERS = [{"kvp": 168.0}, {"kvp": 152.0}, {"between": 0.6}, {"front": 0.12}, {"filter": 0.5}]


@pytest.mark.parametrize("changed", SORTERS, ids=lambda changed: "-".join(changed))
def test_voltage_and_stack_move_the_curve_as_the_beam_says(quiet: Scan, changed: dict[str, float]):
    other = scan(noise=0.0, **changed)
    assert other.truth == quiet.truth  # the same rocks
    assert (other.labels == quiet.labels).all()

    def slabs(conditions: Conditions) -> NDArray[np.float64]:
        """l and h (2, N) of slabs of each particle's minerals, as thick as the high layer saw the quiet one."""
        stack = Stack(copper=conditions.filter, front=conditions.front, between=conditions.between)
        beam = make_beam(conditions.kvp, stack)
        found = [[transmission(path, beam.coefficients[k], beam.weights[k])[0] for path in paths] for k in (0, 1)]
        return -np.log(np.array(found, np.float64))

    shares = np.array([[truth.minerals[name] for name in MINERALS] for truth in quiet.truth]) / DENSITIES  # (N, M)
    paths = (15.0 * shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)[:, :, None]  # (N, M, 1), 15 mm
    paths *= (attenuations(quiet)[1] / slabs(Conditions())[1]).astype(np.float32)[:, None, None]
    expected = (slabs(Conditions(**changed)) / slabs(Conditions())).mean(axis=1) - 1  # (2,)
    found = [(there / here).mean() - 1 for there, here in zip(attenuations(other), attenuations(quiet), strict=True)]
    assert np.abs(expected).max() > 0.02
    assert found == pytest.approx(expected, rel=0.1, abs=0.002)


def test_blur_spreads_the_signal_and_keeps_it(quiet: Scan):
    removed = np.zeros((61, 121), np.float32)
    removed[30, 60] = 1.0

    def variances(picture: NDArray[np.float32]) -> list[float]:
        along = [np.arange(n) - n // 2 for n in picture.shape]
        return [float((picture.sum(axis=1 - k) * along[k] ** 2).sum() / picture.sum()) for k in (0, 1)]

    sharp, soft = spread(removed, 0, 0.0), spread(removed, 0, 0.0, blur=1.2)
    assert soft.sum() == pytest.approx(sharp.sum(), rel=1e-4)
    assert np.subtract(variances(soft), variances(sharp)) == pytest.approx([1.44, 1.44], rel=0.03)
    blurred = scan(noise=0.0, blur=1.2)
    assert blurred.truth == quiet.truth
    steps = [np.abs(np.diff(made.low[:, 300:2700].astype(float))).max() for made in (blurred, quiet)]
    assert steps[0] < 0.7 * steps[1]


def test_size_is_a_factor_on_the_width(quiet: Scan):
    small = scan(noise=0.0, size=0.6)
    widths = [[np.count_nonzero(made.labels == k) ** 0.5 for k in range(1, 7)] for made in (small, quiet)]
    assert np.divide(*widths) == pytest.approx(0.6, abs=0.04)
    masses = [np.array([truth.mass for truth in made.truth]) for made in (small, quiet)]
    assert masses[0] / masses[1] == pytest.approx(0.6**3, rel=0.15)
    assert [truth.lithology for truth in small.truth] == [truth.lithology for truth in quiet.truth]


@pytest.mark.parametrize("per_cent", [0.0, 1.5])
def test_the_high_picture_is_that_much_wider_about_the_axis(per_cent: float):
    made = scan(particles=12, noise=0.0, magnification=per_cent)
    places = []
    for k in range(1, 13):
        ys, xs = np.nonzero(made.labels == k)
        inside = xs.min() > 240 and xs.max() < 2750 and ys.min() > 8 and ys.max() < 591
        if not inside:
            continue
        window = (slice(ys.min() - 6, ys.max() + 7), slice(xs.min() - 40, xs.max() + 41))
        if np.unique(made.labels[window]).size > 2:
            continue
        found = []
        for layer, air in zip((made.low, made.high), made.settings.air, strict=True):
            removed = 1 - layer[window] / air
            removed[np.abs(removed) < 0.03] = 0.0
            found.append(
                float((removed.sum(axis=0) * np.arange(window[1].start, window[1].stop)).sum() / removed.sum())
            )
        places.append(found)
    low, high = np.array(places).T
    assert len(low) >= 5
    slope = np.polyfit(low - AXIS, high - low, 1)[0]
    assert slope == pytest.approx(per_cent / 100, abs=0.0004)


def test_an_error_of_the_air_level_is_in_the_manifest_alone(tmp_path: Path):
    frames = []
    for name, error in (("right", 0.0), ("wrong", -0.02)):
        (tmp_path / name).mkdir()
        write_pairs(tmp_path / name, 12, seed=3, conditions=Conditions(air_error=error))
        frames.append(load_manifest(tmp_path / name))
    right, wrong = frames
    assert (wrong["air"] / right["air"]).to_numpy() == pytest.approx(0.98, abs=2e-5)
    pd.testing.assert_frame_equal(right.drop(columns="air"), wrong.drop(columns="air"))
    for file in right["low"]:
        assert (read_image(tmp_path / "right" / file) == read_image(tmp_path / "wrong" / file)).all()


def test_a_mine_has_the_lithologies_that_it_is_said_to_have(tmp_path: Path):
    kept = ("phyllic", "calcic")
    truth = write_scans(tmp_path, 2, seed=8, particles=12, conditions=Conditions(lithologies=kept))
    assert set(truth["lithology"]) == set(kept)
    lot, whole = (draw_lot(np.random.default_rng(1), 0.5, True, 0.8, names) for names in (kept, tuple(LITHOLOGIES)))
    held = [name in kept for name in LITHOLOGIES]
    assert lot.inner[held] == pytest.approx(whole.inner[held] / whole.inner[held].sum(), abs=1e-6)
    assert lot.inner.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"kvp": 90.0}, "kvp=90.0: give a number from 140 to 180"),
        ({"noise": float("nan")}, "noise=nan"),
        ({"size": 0.1}, "size=0.1"),
        ({"front": 0.0}, "front=0.0"),
        ({"lithologies": ("granite",)}, "'granite' is unknown; known are potassic"),
        ({"lithologies": ()}, "name at least one of potassic"),
    ],
)
def test_impossible_conditions_are_refused(wrong: dict[str, Any], expected: str):
    with pytest.raises(InputError) as refused:
        Conditions(**wrong)
    assert expected in str(refused.value)
