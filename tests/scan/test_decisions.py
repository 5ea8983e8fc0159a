"""The picture of a sorted scan, at the pixels that matter."""

import numpy as np
import pytest
from ellipses import AIR, particles_on, scan_of
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from oresort.console.palette import ORE, WASTE
from oresort.scan.draw.decisions import draw_decisions


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


@pytest.mark.parametrize("word", ["ore", "waste"])
def test_a_box_has_the_colour_of_its_decision(word):
    counts = scan_of([(250, 150, 25, 20)], beside=20)
    particles = particles_on(counts)
    figure = draw_decisions(counts, AIR, particles, np.array([word]), np.array([0.25]))
    (axes,) = figure.axes
    assert "1 particles" in axes.get_title(loc="left")
    assert [text.get_text() for text in axes.texts] == ["0.25"]
    assert axes.get_xlim() == (19.5, 479.5)
    assert axes.get_ylim() == (299.5, -0.5)
    seen = rim(figure, particles[0])
    assert shows(seen, ORE) == (word == "ore")
    assert shows(seen, WASTE) == (word == "waste")


def test_the_scan_is_drawn_where_its_axes_say():
    counts = scan_of([(250, 150, 25, 20)], beside=20, noise=0.0)
    figure = draw_decisions(counts, AIR, [], np.array([], np.str_), np.array([]))
    picture = pixels(figure)
    (axes,) = figure.axes
    for place, expected in (((250, 150), np.exp(-1.4) / 1.1), ((100, 100), 1 / 1.1)):
        x, y = axes.transData.transform(place)
        assert picture[len(picture) - 1 - int(y), int(x)] == pytest.approx(expected, abs=0.02)


def test_an_empty_belt_has_no_boxes():
    figure = draw_decisions(scan_of([]), AIR, [], np.array([], np.str_), np.array([]))
    (axes,) = figure.axes
    assert [len(boxes.get_paths()) for boxes in axes.collections] == [0, 0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ore: 0", "waste: 0"]


def test_a_long_scan_is_drawn_smaller():
    counts = np.full((64_000, 40), 50_000, np.uint16)
    figure = draw_decisions(counts, AIR, [], np.array([], np.str_), np.array([]))
    assert figure.get_figheight() * figure.dpi < 17_000
