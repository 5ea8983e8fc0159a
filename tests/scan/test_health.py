"""Each rule by itself: what it finds is where it was put, and nothing is found on lines that show rock and air."""

import numpy as np
import pytest
from ellipses import AIR, scan_of

from oresort.scan.calibrate.columns import measure_columns
from oresort.scan.fault import MOST_COLUMNS, MOST_LINES
from oresort.scan.health.judge import Judge
from oresort.scan.health.levels import THERE, LineLevels
from oresort.scan.health.rules import Rules
from oresort.scan.health.running import Running
from oresort.scan.health.steps import Steps

HEIGHT, WIDTH = 320, 700
BELT = slice(0, WIDTH)
ROCKS = [(120, 60, 35, 25), (420, 150, 40, 30), (610, 230, 30, 40), (240, 260, 45, 30)]
RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def clean():
    counts = scan_of(ROCKS, HEIGHT, WIDTH, peak=2.0)
    return counts, measure_columns(counts, BELT, "low")


def judged(counts, columns, lines=16, correct=True):
    own, whole, found = Judge([columns], BELT, correct), [], []
    for start in range(0, len(counts), lines):
        mended, (patches,) = own.take([counts[start : start + lines]], start + lines >= len(counts))
        whole.append(mended[:, 0].copy())
        found += patches
    return np.concatenate(whole), found


def put(counts, rows, columns, value):
    changed = counts.copy()
    changed[rows, columns] = value
    return changed


def test_lines_of_rock_and_air_are_left_as_they_are(clean):
    lines, found = judged(*clean)
    assert found == []
    assert lines.shape == (HEIGHT, WIDTH)
    np.testing.assert_allclose(lines, clean[0] / clean[1].air, rtol=0.01)


def damaged(counts, seed):
    """Put three random faults of random size on random places."""
    rng, counts = np.random.default_rng(seed), counts.copy()
    for _ in range(3):
        tall, wide = (int(size) for size in np.exp(rng.uniform(0, np.log([60, WIDTH]))))
        top, left = int(rng.integers(8, HEIGHT - tall)), int(rng.integers(0, WIDTH - wide + 1))
        rows, here = slice(top, top + tall), slice(left, left + wide)
        counts[rows, here] = [
            rng.choice([0, 60, 700, 30_000, 52_350, 65_535]),
            rng.integers(0, 65_536, (tall, wide)),
            counts[top - 1, here],
            counts[rows, here] * rng.uniform(0.02, 1.2),
            counts[rows, left : left + 1],
            np.where(rng.random((tall, wide)) < rng.uniform(0.05, 0.95), counts[rows, here], 0),
        ][rng.integers(6)]
    return counts


@pytest.mark.parametrize("lines", [8, 16, 48])
@pytest.mark.parametrize("seed", range(24))
def test_no_rule_finds_anything_in_what_a_look_calls_sound(clean, monkeypatch, seed, lines):
    counts = damaged(clean[0], seed)
    seen = judged(counts, clean[1], lines)

    monkeypatch.setattr(Judge, "_suspect", lambda *_: [True])
    everything = judged(counts, clean[1], lines)
    np.testing.assert_array_equal(seen[0], everything[0])
    assert seen[1] == everything[1]


@pytest.mark.parametrize("lines", [8, 16, 48])
def test_no_rule_is_asked_about_a_sound_belt(clean, monkeypatch, lines):
    asked = []
    plain = Rules.__call__
    monkeypatch.setattr(Rules, "__call__", lambda *words: asked.append(words[-1]) or plain(*words))
    judged(*clean, lines)
    assert asked == []


FLOOR = RNG.integers(60, 91, (HEIGHT, WIDTH)).astype(np.uint16)


@pytest.mark.parametrize("value", [0, 60, 30_000, 52_350, 65_535])
@pytest.mark.parametrize("width", [1, MOST_COLUMNS, MOST_COLUMNS + 1, 16, 128])
@pytest.mark.parametrize("top", [0, 75])
def test_columns_that_die_are_found_from_their_first_lines_on(clean, value, width, top):
    columns = slice(300, 300 + width)
    lines, found = judged(put(clean[0], slice(top, None), columns, value), clean[1])
    marked = np.zeros((HEIGHT, WIDTH), bool)
    for patch in found:
        marked[patch.top : patch.bottom, patch.left : patch.right] = True
        assert patch.mended == (width <= MOST_COLUMNS)
    assert marked[top + 8 :, columns].all()
    assert marked[:, : columns.start - 9].sum() + marked[:, columns.stop + 12 :].sum() == 0
    if width <= MOST_COLUMNS:  # from air to air
        assert lines[top + 8 : top + 100, columns].min() > 0.85
    else:
        assert (lines[top + 8 :, columns] == 1).all()


def test_a_module_at_its_noise_floor_is_found(clean):
    counts = put(clean[0], slice(75, None), slice(300, 428), FLOOR[75:, 300:428])
    lines, found = judged(counts, clean[1])
    assert {patch.mended for patch in found} == {False}
    assert (lines[75:, 300:428] == 1).all()


@pytest.mark.parametrize("value", [0, 65_535, "repeated", "floor"])
@pytest.mark.parametrize("count", [1, MOST_LINES, MOST_LINES + 1, 40])
def test_lost_lines_are_mended_or_marked(clean, value, count):
    rows = slice(150, 150 + count)
    content = {"repeated": clean[0][149], "floor": FLOOR[rows]}.get(value, value)
    lines, found = judged(put(clean[0], rows, BELT, content), clean[1])
    marked = np.zeros(HEIGHT, bool)
    for patch in found:
        assert (patch.left, patch.right) == (0, WIDTH)
        assert patch.mended == (count <= MOST_LINES)
        marked[patch.top : patch.bottom] = True
    assert np.flatnonzero(marked).tolist() == list(range(150, 150 + count))
    clear = clean[0] / clean[1].air
    if count <= MOST_LINES:
        assert np.abs(lines[rows] - clear[rows]).mean() < 0.04  # within the noise of two pixels
    else:
        assert (lines[rows] == 1).all()


@pytest.mark.parametrize("value", [0, 65_535])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.8, 0.95])
def test_a_line_of_which_most_is_lost_does_not_move_its_rest(clean, value, share):
    columns = slice(0, round(share * WIDTH))
    lines, found = judged(put(clean[0], slice(150, 152), columns, value), clean[1])
    assert np.abs(lines - clean[0] / clean[1].air).max() < 0.5
    assert {(patch.top, patch.bottom, patch.mended) for patch in found} == {(150, 152, True)}


@pytest.mark.parametrize("value", [0, 65_535, "floor"])
@pytest.mark.parametrize("count", [1, 2, 4, 12])
@pytest.mark.parametrize("width", [64, 256])
def test_a_lost_packet_is_no_dark_thing_on_the_belt(clean, value, count, width):
    rows, columns = slice(150, 150 + count), slice(330, 330 + width)
    content = FLOOR[rows, columns] if value == "floor" else value
    lines, found = judged(put(clean[0], rows, columns, content), clean[1])
    assert found
    assert min(patch.left for patch in found) >= 330 - 12
    assert max(patch.right for patch in found) <= 330 + width + 12
    if count <= MOST_LINES:
        assert np.abs(lines - clean[0] / clean[1].air).max() < 0.5
        assert np.abs(lines[rows, columns] - (clean[0] / clean[1].air)[rows, columns]).mean() < 0.04
    assert lines[rows, columns].min() > 0.02


@pytest.mark.parametrize("factor", [0.6, 0.75, 0.9, 1.1, 1.2])
def test_how_far_air_strays_is_told_once(clean, factor):
    counts = clean[0].astype(np.float64)
    counts[96:200] *= factor
    own = Judge([clean[1]], BELT, True)
    own.take([counts.clip(0, 65_534).astype(np.uint16)[:96]], False)
    assert own.swing() == [(1, 1)]
    for start in range(96, 288, 16):
        own.take([counts.clip(0, 65_534).astype(np.uint16)[start : start + 16]], False)
    ((least, most),) = own.swing()
    far = not 0.85 <= factor <= 1.15
    assert (least, most) == pytest.approx((min(factor, 1), max(factor, 1)) if far else (1, 1), abs=0.01)
    assert own.swing() == [(1, 1)]


@pytest.mark.parametrize("factor", [0.6, 0.75, 0.9, 1.1, 1.2])
def test_what_a_line_has_in_common_is_taken_out(clean, factor):
    counts = clean[0].astype(np.float64)
    counts[100:200] *= factor
    lines, found = judged(counts.clip(0, 65_534).astype(np.uint16), clean[1])
    assert found == []
    np.testing.assert_allclose(lines[100:200].mean(), (clean[0] / clean[1].air)[100:200].mean(), atol=0.01)


def test_a_line_that_a_rock_all_but_covers_keeps_the_level_before():
    rng = np.random.default_rng(1)
    lines = (1 + 0.03 * rng.standard_normal((20, 600))).astype(np.float32)
    lines[10:, 20:] *= np.linspace(0.2, 0.8, 580, dtype=np.float32)
    levels = LineLevels(np.ones((1, 600), bool), np.full((1, 600), 0.03, np.float32))
    level, state = levels(lines[:, None], (lines * 50_000).astype(np.uint16)[:, None])
    assert (state == THERE).all()
    np.testing.assert_allclose(level, 1, atol=0.01)


def test_uncorrected_lines_are_not_levelled_but_lost_beyond_what_masks_bear(clean):
    counts = clean[0].astype(np.float64)
    counts[100:110] *= 0.8
    lines, found = judged(counts.astype(np.uint16), clean[1], correct=False, lines=32)
    assert {(patch.top, patch.bottom, patch.kind, patch.mended) for patch in found} == {(100, 110, "lost", False)}
    np.testing.assert_allclose(lines[:100], clean[0][:100] / np.float32(clean[1].level), rtol=1e-5)


@pytest.mark.parametrize("factor", [0.6, 0.9, 0.93, 1.07])
def test_a_module_of_another_gain_is_found_by_its_straight_edges(factor):
    rng = np.random.default_rng(2)
    noise = np.full((1, 900), 0.035, np.float32)
    steps = Steps(noise)
    found = []
    for block in range(8):
        lines = (1 + 0.035 * rng.standard_normal((32, 900))).astype(np.float32)
        if block >= 2:
            lines[:, 384:512] *= factor
        found += steps.add(lines.sum(axis=0)[None], 32)
    assert found[:4] == [[]] * 4  # three stretches have to show it
    assert found[4:] == [[slice(384, 512)]] * 4


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_module_that_changes_in_one_layer_alone_is_found_at_once(factor, layer):
    rng = np.random.default_rng(1)
    steps = Steps(np.full((2, 900), 0.03, np.float32))
    rock = scan_of([(450, 20, 50, 40)], 256, 900, noise=0)[None] / AIR
    lines = (rock + 0.03 * rng.standard_normal((2, 256, 900))).astype(np.float32)
    lines[layer, 84:, 384:512] *= factor  # 12 lines of a stretch of 32 show it
    lines[:, 84:, 704:768] *= factor  # in both: that could be what lies there
    stretches = lines.reshape(2, -1, 32, 900).sum(axis=2).swapaxes(0, 1)
    found = [steps.add(stretch, 32) for stretch in stretches]
    one, both = slice(384, 512), slice(704, 768)
    assert found[:3] == [[[], []]] * 3
    for stretch, own in enumerate(found[3:], 3):
        assert own[layer] == ([one, both] if stretch >= 5 else [one])
        assert own[1 - layer] == ([both] if stretch >= 5 else [])


@pytest.mark.parametrize("width", [4, 64])
def test_what_is_brighter_than_air_is_never_mended(clean, width):
    counts = clean[0].astype(np.float64)
    counts[:, 300 : 300 + width] *= 1.22
    _, found = judged(counts.clip(0, 65_534).astype(np.uint16), clean[1])
    assert found
    assert not any(patch.mended for patch in found if patch.kind == "bright")


def test_rocks_are_no_modules(clean):
    columns = Steps(np.full((1, WIDTH), 0.03, np.float32))
    lines = (clean[0] / AIR).astype(np.float32)
    stretches = lines.reshape(-1, 32, 1, WIDTH).sum(axis=1)
    assert [columns.add(stretch, 32) for stretch in stretches] == [[[]]] * (HEIGHT // 32)


def test_running_air_and_noise_agree_with_those_of_the_whole():
    rng = np.random.default_rng(3)
    gain = (1 + 0.02 * rng.standard_normal(300)).astype(np.float32)
    running, known = Running(np.full((1, 300), 0.008, np.float32)), np.ones(300, np.float32)
    bare = np.ones((32, 300), np.uint8)
    bare[:, 100:120] = 0  # covered throughout: nothing is learnt there
    for _ in range(800):
        lines = gain * (1 + 0.036 * rng.standard_normal((32, 300))).astype(np.float32) / known
        known *= running.add(lines[:, None], np.ones((32, 1), np.float32), (lines * bare)[:, None], bare[:, None])[0]
    seen = np.r_[0:100, 120:300]  # smoothing repeats the belt's sides, so noise there is another
    np.testing.assert_allclose(known[seen], gain[seen], atol=0.003)
    np.testing.assert_array_equal(known[100:120], 1)
    # a Gaussian of one pixel leaves 0.282 of white noise
    np.testing.assert_allclose(running.noise[0, np.r_[20:85, 135:280]], 0.282 * 0.036, rtol=0.08)


NOISE = RNG.integers(0, 52_350, (HEIGHT, WIDTH)).astype(np.uint16)


@pytest.mark.parametrize("width", [1, 5, 6, 64])
def test_columns_of_pure_noise_are_found(clean, width):
    columns = slice(300, 300 + width)
    _, found = judged(put(clean[0], slice(100, None), columns, NOISE[100:, columns]), clean[1])
    marked = np.zeros((HEIGHT, WIDTH), bool)
    for patch in found:
        marked[patch.top : patch.bottom, patch.left : patch.right] = True
    assert marked[112:, columns].all()
    assert not marked[:, :230].any()


@pytest.mark.parametrize("start", [100, 140])  # on air, and where the rock is darkest
@pytest.mark.parametrize("value", [0, 52_350])
@pytest.mark.parametrize("width", [2, MOST_COLUMNS])
@pytest.mark.parametrize("left", [0, 418, WIDTH - MOST_COLUMNS])
def test_columns_that_come_and_go_are_found_on_dark_rock_too(clean, left, width, value, start):
    counts = scan_of([(left, 150, 40, 30)], HEIGHT, WIDTH, peak=2.0)
    columns = slice(left, left + width) if left < 500 else slice(WIDTH - width, WIDTH)
    gone = (np.random.default_rng(3).random(counts.shape) < 0.5) & (np.arange(HEIGHT)[:, None] >= start)
    changed = put(counts, slice(None), columns, np.where(gone, value, counts)[:, columns])
    lines, found = judged(changed, clean[1])
    marked = np.zeros((HEIGHT, WIDTH), bool)
    for patch in found:
        marked[patch.top : patch.bottom, patch.left : patch.right] = True
    # as bright as air is no fault on air
    shown = slice(156, 175) if value else slice(start + 16, HEIGHT)
    assert marked[shown, columns].all()
    if left == 418:
        np.testing.assert_allclose(lines[shown, columns], (counts / clean[1].air)[shown, columns], atol=0.15)
    marked[:, columns] = False
    assert not marked.any()


@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_lines_of_pure_noise_are_lost(clean, count):
    _, found = judged(put(clean[0], slice(150, 150 + count), BELT, NOISE[150 : 150 + count]), clean[1])
    assert [(p.kind, p.right - p.left, p.mended) for p in found] == [("lost", WIDTH, count <= MOST_LINES)] * len(found)
    assert sum(patch.bottom - patch.top for patch in found) == count


def test_a_packet_of_pure_noise_is_found(clean):
    _, found = judged(put(clean[0], slice(150, 156), slice(300, 500), NOISE[150:156, 300:500]), clean[1])
    assert {patch.kind for patch in found} == {"noisy"}
    assert min(patch.left for patch in found) <= 300
    assert max(patch.right for patch in found) >= 500
    assert {line for patch in found for line in range(patch.top, patch.bottom)} >= set(range(150, 156))


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("top", [140, 150, 155, 159, 165])
def test_a_segment_of_lines_that_shows_nothing_does_not_break_what_lies_under_it(clean, count, top):
    rows = slice(top, top + count)
    lines, found = judged(put(clean[0], rows, slice(370, 470), 65_535), clean[1])
    assert lines[rows, 410:430].max() < 0.4  # amid the rock at 420, 150
    assert {patch.mended for patch in found} == {count <= MOST_LINES}
