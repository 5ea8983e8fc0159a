"""Pictures are drawn for whatever may be found, and hold what they are about."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import tifffile
from ellipses import AIR, scan_of
from matplotlib.colors import to_hex

from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.measure import calibrate_scan, measure_scan
from oresort.scan.cut.cutter import cut_scan
from oresort.scan.cut.summary import summary_row
from oresort.scan.draw.calibration import draw_profiles, draw_registration
from oresort.scan.draw.flags import COLOURS, draw_flags
from oresort.scan.draw.masks import draw_masks
from oresort.scan.draw.preview import Preview
from oresort.scan.draw.summary import draw_summary
from oresort.scan.segment.particle import Particle

ELLIPSES = [(130, 60, 30, 22), (420, 190, 35, 25), (700, 80, 25, 30), (1000, 269, 40, 22)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Layers, particles and calibration of a scan without and with its registration."""
    folder = tmp_path_factory.mktemp("plots")
    size = {"height": 270, "width": 1100, "beside": 60}
    layers = [
        scan_of([(s * x + o, y, s * a, b) for x, y, a, b in ELLIPSES], peak=p, seed=k, **size)
        for k, (p, s, o) in enumerate(((1.4, 1.0, 0.0), (0.9, 1.01, -5.0)))
    ]
    for name, counts in zip(("low", "high"), layers, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", counts)
    with PairReader(folder / "low.tif", folder / "high.tif") as reader:
        (plain, _), whole = measure_scan(reader), calibrate_scan(reader)
        particles = [cut.particle for cut in cut_scan(reader, whole)]
    return layers, particles, plain, whole


def test_profiles_with_and_without_registration(found):
    _, _, plain, whole = found
    assert "not registered" in draw_profiles(plain).axes[2].texts[0].get_text()
    figure = draw_profiles(whole, "scan 1")
    assert "row offset" in figure.axes[2].texts[0].get_text()
    (offset,) = (line for line in figure.axes[2].lines if len(line.get_xdata()) > 2)
    np.testing.assert_allclose(offset.get_ydata(), 0.01 * offset.get_xdata() - 5, atol=0.2)


def test_registration_makes_the_ratio_even(found):
    layers, particles, _, whole = found
    levels = whole.low.level, whole.high.level
    figure = draw_registration(*layers, particles, whole.registration, *levels)
    ratios = [axes.images[0].get_array().compressed() for axes in figure.axes if axes.images][:6]
    spread = [float(np.percentile(r, 90) - np.percentile(r, 10)) for r in ratios]
    assert sum(spread[3:]) < 0.5 * sum(spread[:3])
    one = draw_registration(*layers, particles[:1], whole.registration, *levels)
    assert sum(bool(axes.images) for axes in one.axes) == 2  # before and after


def test_masks_are_outlined_with_and_without_truth(found):
    layers, particles, _, _ = found
    labels = np.zeros(layers[0].shape, np.uint16)
    for number, particle in enumerate(particles, start=1):
        labels[particle.box][particle.mask] = number
    for truth in (None, labels):
        figure = draw_masks(layers[0], particles, AIR, truth, left=300, width=700)
        names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert ("truth" in names) == (truth is not None)


def flat(width):
    """Return the calibration of a detector whose columns are alike."""
    ones = np.ones(width, np.float32)
    columns = Columns(AIR, AIR * ones, 0 * ones, 0.008 * ones, np.zeros(width, np.bool_))
    return Calibration(slice(181, 2810), columns, columns, None)


@pytest.mark.parametrize("height", [600, 3_000, 9_000])
@pytest.mark.parametrize("at_once", [1, 7, 512])
def test_a_preview_holds_the_scan_whatever_its_length(height, at_once):
    preview = Preview(height, flat(3_000))
    counts = np.full((height, 3_000), AIR, np.uint16)
    counts[100:200, 500:600] = AIR / 2
    for start in range(0, height, at_once):
        preview.add(counts[start : start + at_once])
    step = preview.step
    assert (step > 1) == (height > 600)
    assert preview.image.size < 2_600_000
    assert preview.image[150 // step, (550 - 181) // step] == 110
    assert preview.image.max() == 220
    assert preview.image[-1, -1] in (219, 220)
    assert (preview.image < 165).sum() == pytest.approx(100 * 100 / step**2, rel=0.15)


def test_a_box_lies_around_its_particle_in_the_colour_of_its_flag():
    mask = np.ones((30, 40), np.bool_)
    particles = [Particle(500, 100, 40, 30, False, mask), Particle(900, 0, 40, 30, True, mask)]
    (axes,) = draw_flags(Preview(600, flat(3_000)), particles, "one").axes
    drawn = {to_hex(c.get_edgecolor()[0]): c.get_paths() for c in axes.collections if c.get_paths()}
    assert set(drawn) == {COLOURS["whole"].lower(), COLOURS["clipped"].lower()}
    extents = drawn[COLOURS["whole"].lower()][0].get_extents()
    assert (extents.x0, extents.x1, extents.y0, extents.y1) == (497.5, 541.5, 97.5, 131.5)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    counts = {kind: int(kind in ("whole", "clipped")) for kind in COLOURS}
    assert names == [f"{kind}: {count}" for kind, count in counts.items()]


def test_a_long_scan_is_drawn_in_strips_that_hold_each_particle_once():
    long, short = (Preview(lines, flat(3_000)) for lines in (60_000, 600))
    mask = np.ones((50, 50), np.bool_)
    particles = [Particle(500, y, 50, 50, False, mask) for y in range(100, 60_000, 1_000)]
    figure = draw_flags(long, particles, "long")
    assert len(figure.axes) > 1
    wide, tall = figure.get_size_inches()
    assert max(wide, tall) / min(wide, tall) < 2
    ends = [axes.get_ylim() for axes in figure.axes]
    assert ends[0][1] == -0.5
    assert ends[-1][0] == 59_999.5
    assert all(one[0] == other[1] for one, other in pairwise(ends))
    boxes = [len(c.get_paths()) for axes in figure.axes for c in axes.collections]
    assert sum(boxes) == len(particles)
    assert len(draw_flags(short, particles[:1], "short").axes) == 1


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_summary_is_drawn_for_any_number_of_scans(found, count):
    _, particles, plain, whole = found
    for calibration in (plain, whole):
        rows = [summary_row(f"s{k}", 270, particles, len(particles), calibration, "scan") for k in range(count)]
        summary = pd.DataFrame(rows)
        assert summary["clipped"].iloc[0] == 1
        pairs = pd.DataFrame({"area": [900, 2000, 1500], "label": ["ore", "waste", ""]})
        for manifest in (pairs, pairs.iloc[:0]):
            figure = draw_summary(summary, manifest)
            flags, air, fit, sizes = figure.axes
            heights = sum(bars.get_height() for bars in flags.patches)
            assert heights == 4 * count
            assert [line.get_ydata()[0] for line in air.lines] == [rows[0]["air_low"], rows[0]["air_high"]]
            assert bool(fit.lines) == (calibration is whole)
            assert len(sizes.patches) == (3 if len(manifest) else 0)
