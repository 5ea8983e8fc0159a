import numpy as np
import pytest
from ellipses import AIR, particles_on, scan_of

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.scan.calibrate.air import air_level, belt_columns
from oresort.scan.calibrate.register import MARGIN, LayersDifferError, Registration, Seen, fit_registration
from oresort.scan.calibrate.resample import register
from oresort.xray.transmission import attenuation

SIZE = {"height": 260, "width": 1400, "beside": 60}
ELLIPSES = [(130, 60, 30, 22), (420, 190, 35, 25), (700, 80, 25, 30), (960, 170, 40, 22), (1250, 100, 28, 28)]


def seen_on(low, high, air_low=AIR, air_high=AIR):
    """Return the particles on a scan in memory, as both layers show them."""
    found = []
    belt = belt_columns(low)
    for particle in particles_on(low, air_low):
        top, left = max(particle.y - MARGIN, 0), max(particle.x - MARGIN, belt.start)
        right = min(particle.x + particle.w + MARGIN, belt.stop)
        box = slice(top, particle.y + particle.h + MARGIN), slice(left, right)
        mask = np.zeros(low.shape, bool)
        mask[particle.box] = particle.mask
        found.append(Seen(attenuation(low[box], air_low), attenuation(high[box], air_high), mask[box], top, left))
    return found


def fitted(low, high):
    fit = fit_registration(seen_on(low, high), low.shape[1])
    assert fit.enough
    return fit.registration


def seen_high(ellipses, scale, offset, row_offset):
    return [(scale * x + offset, y + row_offset, scale * a, b) for x, y, a, b in ellipses]


@pytest.mark.parametrize(
    ("scale", "offset", "row_offset"),
    [(1.0075, -4.9, 0.27), (1.0, 0.0, 0.0), (1.011, 0.0, 0.5), (0.996, 1.3, -0.4)],
)
def test_known_misregistration_is_found_to_a_tenth_of_a_pixel(scale, offset, row_offset):
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, scale, offset, row_offset), peak=0.9, seed=1, **SIZE)
    found = fitted(low, high)
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
    found = fitted(low, high)
    for column in (60, 1339):
        assert found.scale * column + found.column_offset == pytest.approx(1.0075 * column - 4.9, abs=0.1)
    assert found.row_offset == pytest.approx(0.27, abs=0.1)


def test_registered_layers_need_no_registration():
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, 1.0075, -4.9, 0.27), peak=0.9, seed=1, **SIZE)
    first = fitted(low, high)
    again = fitted(low, register(high, first))
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


def test_without_particles_nothing_can_be_said():
    with pytest.raises(InputError, match="no particles"):
        fit_registration([], 1400)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("rows", [0.27, 3.3, 8.0, 14.5, 20.0])
def test_a_late_layer_is_noted_also_for_one_particle(count, rows):
    low = scan_of(ELLIPSES[:count], **SIZE)
    high = scan_of(seen_high(ELLIPSES[:count], 1.0075, -4.9, rows), peak=0.9, seed=1, **SIZE)
    fit = fit_registration(seen_on(low, high), 1400)
    assert fit.enough == (count > 1)
    assert fit.registration.row_offset == pytest.approx(rows, abs=0.15)
    assert fit.registration.residual < 0.04
    notes = " ".join(fit.notes())
    assert (f"lags by {fit.registration.row_offset:.1f} lines" in notes) == (rows > 1)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["exchanged", "empty", "other", "late", "same", "mirrored"])
def test_layers_that_do_not_belong_together_are_refused_however_few_the_particles(count, kind):
    low = scan_of(ELLIPSES[:count], **SIZE)
    high = scan_of(seen_high(ELLIPSES[:count], 1.0075, -4.9, 0.27), peak=0.9, seed=1, **SIZE)
    match kind:
        case "exchanged":
            low, high = high, low
        case "empty":
            high = scan_of([], seed=2, **SIZE)
        case "other":
            moved = [(x + 90, y + 40, b, a) for x, y, a, b in ELLIPSES[:count]]
            high = scan_of(moved, peak=0.9, seed=2, **SIZE)
        case "late":
            high = scan_of([(x, y + 40, a, b) for x, y, a, b in ELLIPSES[:count]], peak=0.9, seed=2, **SIZE)
        case "same":
            high = low
        case "mirrored":
            high = high[:, ::-1]
    with pytest.raises(LayersDifferError, match=r"exchange" if kind in ("exchanged", "same") else "same particles"):
        fit_registration(seen_on(low, high), 1400)


def test_doubled_lines_in_one_layer_are_noted():
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, 1.0075, -4.9, 0.27), peak=0.9, seed=1, **SIZE)
    high = np.concatenate([high[:100], high[88:-12]])
    assert "lost or doubled" in " ".join(fit_registration(seen_on(low, high), 1400).notes())


def test_a_belt_that_runs_along_the_lines_is_refused():
    low = scan_of(ELLIPSES, **SIZE)
    high = scan_of(seen_high(ELLIPSES, 1.0075, -4.9, 0.27), peak=0.9, seed=1, **SIZE)
    turned = [Seen(s.low.T, s.high.T, s.mask.T, s.left, s.top) for s in seen_on(low, high)]
    with pytest.raises(LayersDifferError, match="90 degrees"):
        fit_registration(turned, 260)
    # layers that overlie already are magnified neither way
    assert fitted(low, scan_of(ELLIPSES, peak=0.9, seed=1, **SIZE)).scale == pytest.approx(1, abs=1e-3)


def test_the_real_scan(real_dir):
    low, high = read_pair(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff")
    air_low, air_high = air_level(low, "low"), air_level(high, "high")
    found = fit_registration(seen_on(low, high, air_low, air_high), 2629).registration
    assert found.scale == pytest.approx(1.0075, abs=0.001)
    assert found.row_offset == pytest.approx(0.27, abs=0.15)
    assert found.centre == pytest.approx(984, abs=10)
    assert found.unregistered > 2 * found.residual
