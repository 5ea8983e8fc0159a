"""The curve l = c1 h + c2 h^2 of the particles themselves, and pairs bent onto that of training."""

from typing import NamedTuple

import numpy as np

from oresort.represent.representation import Planes

_ROUNDS = 6
_PIXELS = 100_000  # at least that many are looked at where there are so many
_WHOLE = 0.99  # cover from which a pixel is the particle's alone


class Curve(NamedTuple):
    """f(h) = c1 h + c2 h^2."""

    c1: float
    c2: float


def fit_curve(planes: Planes) -> Curve:
    """Fit the curve to the pixels of planes (N, 4, S, S) of attenuation, robustly: grains of sulphide lie above it."""
    whole = planes[:, 2:].min(axis=1) > _WHOLE  # (N, S, S)
    pixels = max(int(np.count_nonzero(whole)) // _PIXELS, 1)
    low, high = (planes[:, k][whole][::pixels].astype(np.float64) for k in (0, 1))  # (pixels,)
    powers, weight = np.stack((high, high**2), axis=1), np.ones(len(low))
    found = np.zeros(2)
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        found = np.linalg.lstsq(powers * root[:, None], low * root, rcond=None)[0]
        off = np.abs(low - powers @ found)
        # Huber: beyond 1.5 deviations a pixel pulls no harder
        weight = np.minimum(1.0, 1.5 * 1.4826 * np.median(off) / np.maximum(off, 1e-9))
    return Curve(float(found[0]), float(found[1]))


def bent(planes: Planes, own: Curve, usual: Curve) -> Planes:
    """Return planes with h such that `own` particles lie on the `usual` curve: usual(h') = own(h), l as it is."""
    made = planes.copy()
    cover = np.maximum(planes[:, 3], 1e-3)
    h = planes[:, 1] / cover  # the particle's own, (N, S, S)
    ordinary = own.c1 * h + own.c2 * h**2
    # the root that goes to 0 with h; beyond the curve's top, where there is none, the top
    root = np.sqrt(np.maximum(usual.c1**2 + 4 * usual.c2 * ordinary, 1e-6))
    made[:, 1] = 2 * ordinary / (usual.c1 + root) * planes[:, 3]
    return made
