import numpy as np
import pytest
from ellipses import AIR, scan_of
from matplotlib.colors import to_rgb
from PIL import Image

from oresort.scan.draw.overlay import overlay
from oresort.scan.segment.particle import find_particles

GREEN, RED = to_rgb("#009E73"), to_rgb("#D55E00")


def shows(picture, colour):
    return (np.abs(picture - np.array(colour)) < 0.01).all(axis=-1).sum() > 100


@pytest.mark.parametrize("decision", ["ore", "waste"])
def test_a_box_has_the_colour_of_its_decision(tmp_path, decision):
    counts = scan_of([(250, 299, 25, 20)], beside=20)
    figure = overlay(counts, AIR, find_particles(counts, AIR), np.array([decision]), np.array([0.25]))
    figure.savefig(tmp_path / "overlay.png")
    (axes,) = figure.axes
    assert "1 particles" in axes.get_title(loc="left")
    assert [text.get_text() for text in axes.texts] == ["0.25"]
    assert axes.get_xlim() == (19.5, 479.5)
    axes.get_legend().remove()
    figure.savefig(tmp_path / "bare.png")
    picture = np.asarray(Image.open(tmp_path / "bare.png").convert("RGB")) / 255
    assert shows(picture, GREEN) == (decision == "ore")
    assert shows(picture, RED) == (decision == "waste")


def test_an_empty_belt_is_drawn(tmp_path):
    figure = overlay(scan_of([]), AIR, [], np.array([], np.str_), np.array([]))
    figure.savefig(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").stat().st_size > 0


def test_a_long_scan_is_drawn_smaller():
    figure = overlay(np.full((64_000, 40), 50_000, np.uint16), AIR, [], np.array([], np.str_), np.array([]))
    assert figure.get_figheight() * figure.dpi < 17_000
