"""Hand-made features of a dual-energy pair: levels, shape and texture of l, h and r = l - f(h)."""

import numpy as np
from scipy import ndimage, stats
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.measure import regionprops

from oresort.classic.base import Curve, Image, Pixels

QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
SMOOTHING = (1.0, 2.0)  # pixels; single-pixel noise hides grains
LEVELS = 16  # grey levels of the co-occurrence matrix
SPAN = 0.4  # attenuation; what the grey levels of l - f(h) span
DISTANCES = (1, 3)  # pixels between co-occurring grey levels
PROPERTIES = ("contrast", "homogeneity", "energy", "correlation")


def features(pair: Pixels, curve: Curve) -> dict[str, float]:
    """Return the features of one particle by name, always in the same order; all finite, lengths in pixels."""
    residual = pair.low - curve(pair.high)
    found: dict[str, float] = {}
    for name, image in (("l", pair.low), ("h", pair.high), ("r", residual)):
        found |= _levels(name, image[pair.mask])
    found["ratio"] = float(pair.low[pair.mask].sum() / max(pair.high[pair.mask].sum(), 1e-6))
    return found | _smoothed(residual, pair) | _shape(pair) | _texture(residual, pair)


def _levels(name: str, image: Image) -> dict[str, float]:
    flat = image.astype(np.float64)
    # of equal values skew and kurtosis are undefined; they have no tails
    tails = (stats.skew(flat), stats.kurtosis(flat)) if flat.std() > 1e-9 else (0.0, 0.0)
    keys = ("mean", "std", "skew", "kurtosis", *(f"q{100 * q:g}" for q in QUANTILES))
    values = (flat.mean(), flat.std(), *tails, *np.quantile(flat, QUANTILES))
    return {f"{name}_{key}": float(value) for key, value in zip(keys, values, strict=True)}


def _smoothed(residual: Image, pair: Pixels) -> dict[str, float]:
    # normalised by the mask, so that the belt does not dilute the rim
    found = {}
    cover = pair.mask.astype(np.float32)
    for sigma in SMOOTHING:
        weight = np.maximum(ndimage.gaussian_filter(cover, sigma), 1e-3)
        values = (ndimage.gaussian_filter(residual * cover, sigma) / weight)[pair.mask]
        found[f"r_peak_{sigma:g}"] = float(np.quantile(values, 0.99))
        found[f"r_spread_{sigma:g}"] = float(values.std())
    return found


def _shape(pair: Pixels) -> dict[str, float]:
    region = regionprops(pair.mask.astype(np.uint8))[0]
    h = pair.high[pair.mask]
    return {
        "area": float(region.area),
        "diameter": float(region.equivalent_diameter_area),
        "eccentricity": float(region.eccentricity),
        "extent": float(region.area / max(region.area_bbox, 1)),
        "bulge": float(h.max() / max(float(h.mean()), 1e-6)),
    }


def _texture(residual: Image, pair: Pixels) -> dict[str, float]:
    grey = np.clip((residual / SPAN + 0.5) * LEVELS, 0, LEVELS - 1).astype(np.uint8) + 1
    grey[~pair.mask] = 0  # a level of its own, cut out of the matrix below
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    matrix = graycomatrix(grey, DISTANCES, angles, LEVELS + 1, symmetric=True)[1:, 1:]
    matrix = matrix.astype(np.float64).sum(3, keepdims=True)  # of all directions
    matrix /= np.maximum(matrix.sum((0, 1), keepdims=True), 1)
    found = {
        f"glcm_{name}_{distance}": float(value)
        for name in PROPERTIES
        for distance, value in zip(DISTANCES, graycoprops(matrix, name)[:, 0], strict=True)
    }
    patterns = local_binary_pattern(grey, 8, 1.5, method="uniform")[pair.mask]
    shares = np.bincount(patterns.astype(int), minlength=10)[:10] / len(patterns)
    return found | {f"lbp_{i}": float(share) for i, share in enumerate(shares)}
