"""Classic sorters: known answers of the rules and features, and what must hold of every method."""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from pairs import AIR, particle

from oresort.classic import learners
from oresort.classic.base import Classic, Curve, Pixels, fit_curve
from oresort.classic.features import features
from oresort.classic.rules import RValue, TwoThresholds
from oresort.errors import InputError
from oresort.make import make
from oresort.paths import CONF_DIR
from oresort.xray.transmission import attenuation

METHODS = sorted(Path(CONF_DIR, "method").glob("*.yaml"))
LABEL = np.arange(40) % 2


def disc(l_over_h, radius: int = 10, noise: float = 0.0, seed: int = 0) -> Pixels:
    """A disc of h = 0.5; `l_over_h` is a number or an image of it."""
    y, x = np.mgrid[-14:15, -14:15]
    mask = y**2 + x**2 <= radius**2
    rng = np.random.default_rng(seed)
    high = np.where(mask, 0.5 + 0.1 * rng.random(mask.shape), 0).astype(np.float32)
    low = (high * l_over_h + noise * rng.standard_normal(mask.shape) * mask).astype(np.float32)
    return Pixels(low, high, mask)


@pytest.fixture(scope="module")
def pairs() -> list[Pixels]:
    """40 ellipsoids whose ratio tells the class."""
    rng = np.random.default_rng(0)
    images = [particle(rng, bool(ore)) for ore in LABEL]
    return [Pixels(attenuation(a, AIR), attenuation(b, AIR), (a > 0) & (b > 0)) for a, b in images]


def test_features_of_the_same_pixels_are_made_once_and_others_anew(pairs, monkeypatch):
    made = []
    monkeypatch.setattr(learners, "_KNOWN", {})
    monkeypatch.setattr(learners, "features", lambda *what: made.append(1) or features(*what))
    first, second = learners.GradientBoosting(rounds=2), learners.SVM()
    for sorter in (first, second):
        sorter.fit(pairs, LABEL, 0)
    assert len(made) == len(pairs)
    np.testing.assert_array_equal(first._table(pairs)[3], [*features(pairs[3], first.curve).values()])
    other = pairs[0]._replace(low=pairs[0].low + np.float32(0.01))
    assert (first._table([other]) != first._table(pairs[:1])).any()
    assert len(made) == len(pairs) + 1
    second.curve = Curve(1.0, 0.0)  # of other training pairs
    second._table(pairs)
    assert len(made) == 2 * len(pairs) + 1


@pytest.mark.parametrize("file", METHODS, ids=lambda f: f.stem)
def test_every_method_tells_the_classes_apart_and_repeats_itself(file, pairs):
    spec = OmegaConf.to_container(OmegaConf.load(file))
    found = []
    for _ in range(2):
        method = make(spec, Classic)
        method.fit(pairs[:30], LABEL[:30], seed=3)
        found.append(method.p_ore(pairs[30:]))
    assert np.array_equal(*found)
    p = found[0]
    assert p.shape == (10,)
    assert ((p >= 0) & (p <= 1)).all()
    assert p[LABEL[30:] == 1].min() > p[LABEL[30:] == 0].max()
    np.testing.assert_allclose(method.p_ore(pairs[33:34]), p[3:4])  # a pair alone
    assert method.numbers is None or method.numbers >= 1


def test_every_method_of_the_package_has_a_file():
    with pytest.raises(InputError) as caught:
        make({"_target_": "none"}, Classic)
    known = {name for name in str(caught.value).split("known: ")[1].split(", ") if "._" not in name}
    assert known == {OmegaConf.load(file)["_target_"] for file in METHODS}


def test_the_curve_is_found_again():
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(3):
        h = rng.random((9, 9)).astype(np.float32)
        mask = h > 0.1
        pairs.append(Pixels(np.where(mask, 1.7 * h - 0.2 * h**2, 9), h, mask))  # the belt must not count
    np.testing.assert_allclose(fit_curve(pairs), [1.7, -0.2], atol=1e-5)
    flat = Pixels(np.ones((3, 3), np.float32), np.ones((3, 3), np.float32), np.ones((3, 3), bool))
    with pytest.raises(InputError, match="no curve"):
        fit_curve([flat])


def test_r_value_by_hand():
    rule = RValue()
    np.testing.assert_allclose(rule.score([disc(1.5), disc(1.8)]), [1.5, 1.8], rtol=1e-6)


def test_corrected_r_forgets_thickness():
    def rock(thick: float, excess: float) -> Pixels:
        h = np.full((8, 8), thick, np.float32)
        return Pixels((1.8 * h - 0.3 * h**2) * (1 + excess), h, np.ones((8, 8), bool))

    train = [rock(t, e) for t in (0.3, 0.6, 0.9, 1.2) for e in (0.0, 0.05)]
    label = np.array([0, 1] * 4)
    plain, corrected = RValue(), RValue(corrected=True)
    for rule in (plain, corrected):
        rule.fit(train, label, seed=0)
    # thin waste has a higher R than thick ore; relative to rock of its thickness it has not
    thin, thick = [rock(0.3, 0.0)], [rock(1.2, 0.05)]
    assert plain.p_ore(thin) > plain.p_ore(thick)
    assert corrected.p_ore(thin) < corrected.p_ore(thick)


@pytest.mark.parametrize("value", TwoThresholds.VALUES)
def test_two_thresholds_find_the_share_of_grains(value):
    y, x = np.mgrid[-14:15, -14:15]
    grain = np.where((y - 4) ** 2 + x**2 < 9, 2.6, 1.5)  # a few pixels of ore mineral
    pairs = [disc(grain if ore else 1.5, noise=0.02, seed=i) for i, ore in enumerate(LABEL)]
    rule = TwoThresholds(value)
    rule.fit(pairs, LABEL, seed=0)
    share = rule.score(pairs)
    assert share[LABEL == 1].min() > share[LABEL == 0].max()


def test_two_thresholds_learn_which_side_is_ore():
    y, x = np.mgrid[-14:15, -14:15]
    grain = np.where((y - 4) ** 2 + x**2 < 9, 2.6, 1.5)
    pairs = [disc(grain if not ore else 1.5, noise=0.02, seed=i) for i, ore in enumerate(LABEL)]  # in the waste
    rule = TwoThresholds()
    rule.fit(pairs, LABEL, seed=0)
    p = rule.p_ore(pairs)
    assert p[LABEL == 1].min() > p[LABEL == 0].max()


def test_two_thresholds_on_the_residual_forget_thickness():
    thick = np.random.default_rng(0).uniform(0.3, 1.5, len(LABEL))
    pairs = []
    for i, ore in enumerate(LABEL):
        pair = disc(1.55 if ore else 1.5, seed=i)
        pairs.append(Pixels(pair.low * np.float32(thick[i]), pair.high * np.float32(thick[i]), pair.mask))

    def parted(value: str) -> bool:
        rule = TwoThresholds(value)
        rule.fit(pairs, LABEL, seed=0)
        p = rule.p_ore(pairs)
        return bool(p[LABEL == 1].min() > p[LABEL == 0].max())

    assert parted("residual")
    assert parted("ratio")
    assert not parted("low")


def test_smoothing_does_not_dilute_the_rim():
    pair = disc(1.0)
    even = Pixels(pair.mask.astype(np.float32), pair.high, pair.mask)
    found = features(even, Curve())  # a curve that was not fitted is 0, so r = l = 1 all over
    assert found["r_spread_2"] == pytest.approx(0, abs=1e-5)
    assert found["r_peak_2"] == pytest.approx(1, abs=1e-5)


def test_features_are_finite_named_and_know_size_and_grains():
    curve = Curve(1.5)
    plain, large = features(disc(1.5), curve), features(disc(1.5, radius=14), curve)
    grain = np.full((29, 29), 1.5)
    grain[13:16, 13:16] = 2.5
    grainy = features(disc(grain), curve)
    for found in (plain, large, grainy):
        assert np.isfinite(list(found.values())).all()
        assert found.keys() == plain.keys()
    assert large["area"] == disc(1.5, radius=14).mask.sum()
    assert plain["r_mean"] == pytest.approx(0, abs=1e-6)
    assert plain["ratio"] == pytest.approx(1.5)
    assert grainy["r_peak_1"] > 0.2 > plain["r_peak_1"]
    assert grainy["glcm_contrast_1"] > plain["glcm_contrast_1"] == 0


def test_features_of_a_particle_of_one_pixel():
    mask = np.zeros((3, 3), bool)
    mask[1, 1] = True
    image = mask.astype(np.float32)
    assert np.isfinite(list(features(Pixels(image, image, mask), Curve()).values())).all()


def test_a_handful_of_training_pairs(pairs):
    label = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    for file in METHODS:
        method = make(OmegaConf.to_container(OmegaConf.load(file)), Classic)
        if file.stem == "svm":
            with pytest.raises(InputError, match="2 of one class; the SVM needs 5 of each"):
                method.fit(pairs[:8], label, seed=0)
        else:
            method.fit(pairs[:8], label, seed=0)
            assert np.isfinite(method.p_ore(pairs[:8])).all()


@pytest.mark.parametrize(
    ("target", "keys", "named"),
    [
        ("rules.TwoThresholds", {"value": "high"}, "value='high': known are residual, ratio, low"),
        ("rules.TwoThresholds", {"levels": 1}, "levels=1"),
        ("learners.GradientBoosting", {"rounds": 0}, "rounds=0"),
        ("learners.GradientBoosting", {"rate": 0}, "rate=0"),
        ("learners.SVM", {"c": -1}, "c=-1"),
        ("learners.Forest", {}, "no such classic; known: .*SVM"),
    ],
)
def test_bad_settings_are_named(target, keys, named):
    with pytest.raises(InputError, match=named):
        make({"_target_": f"oresort.classic.{target}", **keys}, Classic)
