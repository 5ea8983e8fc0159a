import numpy as np
import pytest
from ellipses import AIR, particles_on, scan_of

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.scan.calibrate.air import air_level
from oresort.scan.calibrate.register import Registration, fit_registration
from oresort.scan.calibrate.resample import register

SIZE = {"height": 260, "width": 1400, "beside": 60}
ELLIPSES = [(130, 60, 30, 22), (420, 190, 35, 25), (700, 80, 25, 30), (960, 170, 40, 22), (1250, 100, 28, 28)]


def seen_high(ellipses, scale, offset, row_offset):
    return [(scale * x + offset, y + row_offset, scale * a, b) for x, y, a, b in ellipses]


@pytest.mark.parametrize(
    ("scale", "offset", "row_offset"),
    [(1.0075, -4.9, 0.27), (1.0, 0.0, 0.0), (1.011, 0.0, 0.5), (0.996, 1.3, -0.4)],
)
def test_known_misregistration_is_found_to_a_tenth_of_a_pixel(scale, offset, row_offset):
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, scale, offset, row_offset), peak=0.9, seed=1, **SIZE)
    found = fit_registration(low, high, particles_on(low, AIR), AIR, AIR)
    for column in (60, 1339):
        assert found.scale * column + found.column_offset == pytest.approx(scale * column + offset, abs=0.1)
    assert found.row_offset == pytest.approx(row_offset, abs=0.1)
    assert found.residual < 0.04


def test_odd_rocks_do_not_move_the_fit():
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, 1.0075, -4.9, 0.27), peak=0.9, seed=1, **SIZE)
    particles = particles_on(low, AIR)
    # one rock of other matter, and one that holds a grain which only the low layer shows
    odd = particles[1].box
    high[odd] = np.rint(AIR * (high[odd] / AIR) ** 1.4).clip(0, 65_534)
    grain = particles[3]
    low[grain.y + 4 : grain.y + 14, grain.x + 4 : grain.x + 24] //= 2
    found = fit_registration(low, high, particles_on(low, AIR), AIR, AIR)
    for column in (60, 1339):
        assert found.scale * column + found.column_offset == pytest.approx(1.0075 * column - 4.9, abs=0.1)
    assert found.row_offset == pytest.approx(0.27, abs=0.1)


def test_registered_layers_need_no_registration():
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, 1.0075, -4.9, 0.27), peak=0.9, seed=1, **SIZE)
    particles = particles_on(low, AIR)
    first = fit_registration(low, high, particles, AIR, AIR)
    again = fit_registration(low, register(high, first), particles, AIR, AIR)
    assert again.scale == pytest.approx(1, abs=5e-5)
    assert again.column_offset == pytest.approx(0, abs=0.03)
    assert again.unregistered == pytest.approx(first.residual, rel=0.05)


def test_resampling_keeps_counts():
    high = scan_of(ELLIPSES, **SIZE)
    registered = register(high, Registration(1.0075, -4.9, 0.27, 0.0, 0.0))
    assert registered.dtype == np.uint16
    assert (registered[:, :60] == 65_535).all()
    assert (registered[:, -60:] == 65_535).all()
    # a belt seen at 1 / 1.0075 of its columns, so up to the thin sides its mean stays
    assert registered[:, 60:-60].mean() == pytest.approx(high[:, 60:-60].mean(), rel=0.002)
    np.testing.assert_array_equal(register(high, Registration(1.0, 0.0, 0.0, 0.0, 0.0)), high)


@pytest.mark.parametrize("ellipses", [[], ELLIPSES[:1]])
def test_too_few_particles_are_refused(ellipses):
    low = scan_of(ellipses, **SIZE)
    with pytest.raises(InputError, match=r"(no|too few) particles"):
        fit_registration(low, low, particles_on(low, AIR), AIR, AIR)


def test_the_real_scan(real_dir):
    low, high = read_pair(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff")
    air_low, air_high = air_level(low, "low"), air_level(high, "high")
    found = fit_registration(low, high, particles_on(low, air_low), air_low, air_high)
    assert found.scale == pytest.approx(1.0075, abs=0.001)
    assert found.row_offset == pytest.approx(0.27, abs=0.15)
    assert found.centre == pytest.approx(984, abs=10)
    assert found.unregistered > 2 * found.residual
