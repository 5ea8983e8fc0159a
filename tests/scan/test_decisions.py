"""The picture of a sorted scan, at the pixels that matter."""

import numpy as np
import pytest
from ellipses import AIR, particles_on, scan_of
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from oresort.console.palette import ORE, WASTE
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import Columns
from oresort.scan.draw.decisions import draw_decisions
from oresort.scan.draw.preview import Preview
from oresort.scan.fault import Fault
from oresort.scan.segment.particle import Particle


def preview_of(counts, beside=0):
    ones = np.ones(counts.shape[1], np.float32)
    columns = Columns(AIR, AIR * ones, 0 * ones, 0.008 * ones, np.zeros(len(ones), np.bool_))
    preview = Preview(len(counts), Calibration(slice(beside, len(ones) - beside), columns, columns, None))
    preview.add(counts)
    return preview


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255  # (H, W, 3)


def rim(figure, particle):
    """Return the colours (N, 3) around a particle's box, two pixels outside."""
    picture = pixels(figure)
    (axes,) = figure.axes
    left, right = particle.x - 2.5, particle.x + particle.w + 1.5
    middle = particle.y + particle.h / 2
    places = axes.transData.transform([(x, middle + dy) for x in (left, right) for dy in range(-8, 9)])
    return np.array([picture[len(picture) - 1 - int(y), int(x)] for x, y in places])


def shows(colours, colour):
    return bool((np.abs(colours - np.array(to_rgb(colour))) < 0.15).all(axis=-1).any())


def entries(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.mark.parametrize("word", ["ore", "waste"])
def test_a_box_has_the_colour_of_its_decision(word):
    counts = scan_of([(250, 150, 25, 20)], beside=20)
    particles = particles_on(counts)
    figure = draw_decisions(preview_of(counts, 20), particles, [word], np.array([0.25]), 0.4)
    (axes,) = figure.axes
    assert "1 particles at threshold 0.400" in axes.get_title(loc="left")
    assert [text.get_text() for text in axes.texts] == ["0.25"]
    assert axes.get_xlim() == (19.5, 479.5)
    assert axes.get_ylim() == (299.5, -0.5)
    seen = rim(figure, particles[0])
    assert shows(seen, ORE) == (word == "ore")
    assert shows(seen, WASTE) == (word == "waste")


def test_the_scan_is_drawn_where_its_axes_say():
    counts = scan_of([(250, 150, 25, 20)], beside=20, noise=0.0)
    figure = draw_decisions(preview_of(counts, 20), [], [], np.array([]), 0.5)
    picture = pixels(figure)
    (axes,) = figure.axes
    for place, expected in (((250, 150), np.exp(-1.4) * 220 / 240), ((100, 100), 220 / 240)):
        x, y = axes.transData.transform(place)
        assert picture[len(picture) - 1 - int(y), int(x)] == pytest.approx(expected, abs=0.02)


def test_an_empty_belt_has_no_boxes():
    figure = draw_decisions(preview_of(scan_of([])), [], [], np.array([]), 0.5)
    (axes,) = figure.axes
    assert [len(boxes.get_paths()) for boxes in axes.collections] == [0, 0]
    assert entries(figure) == ["ore: 0", "waste: 0"]


def test_flags_and_what_is_not_known_are_shown():
    mask = np.ones((30, 40), np.bool_)
    particles = [Particle(100, 50, 40, 30, False, mask, faulty=True), Particle(300, 50, 40, 30, True, mask)]
    faults = [
        Fault("low", "dead", None, slice(90, 120), mended=False),
        Fault("both", "lost", slice(200, 210), None, mended=False),
        Fault("low", "dead", None, slice(400, 401), mended=True),
    ]
    figure = draw_decisions(preview_of(scan_of([])), particles, ["ore", "waste"], np.array([0.9, 0.1]), 0.5, faults)
    assert entries(figure) == ["not known", "ore: 1", "waste: 1", "faulty: 1", "clipped: 1"]
    hatched = figure.axes[0].collections[0]
    boxes = [path.get_extents() for path in hatched.get_paths()]
    assert [(b.x0, b.x1, b.y0, b.y1) for b in boxes] == [(89.5, 119.5, -0.5, 299.5), (-0.5, 499.5, 199.5, 209.5)]
    assert hatched.get_hatch()


@pytest.mark.parametrize("height", [2_000, 64_000])
def test_a_picture_has_a_few_thousand_pixels_at_each_side(height):
    particles = [Particle(9, y, 5, 5, False, np.ones((5, 5), np.bool_)) for y in range(0, height, 20)]
    words = ["ore"] * len(particles)
    figure = draw_decisions(
        preview_of(np.full((height, 200), 50_000, np.uint16)), particles, words, np.ones(len(words)), 0.5
    )
    assert max(figure.get_size_inches() * figure.dpi) < 5_000
    drawn = [len(axes.collections[0].get_paths()) for axes in figure.axes]
    assert sum(drawn) >= len(particles)
