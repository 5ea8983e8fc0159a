"""Scans with known answers: elliptic particles on noisy air."""

import numpy as np

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.air import belt_columns
from oresort.scan.segment.mask import threshold_cover
from oresort.scan.segment.particle import Particle
from oresort.scan.segment.regions import Regions

AIR = 52_350.0


def scan_of(ellipses, height=300, width=500, peak=1.4, noise=0.026, seed=0, beside=0):
    """Return counts of half-ellipsoids (x, y, semi-axis x, semi-axis y), `peak` the attenuation amid each.

    Noise grows with the root of the counts, to `noise` of air; `beside` columns on each side are full scale.
    """
    rows, columns = np.mgrid[:height, :width]
    attenuation = np.zeros((height, width))
    for x, y, a, b in ellipses:
        inside = 1 - ((columns - x) / a) ** 2 - ((rows - y) / b) ** 2
        attenuation = np.maximum(attenuation, peak * np.sqrt(np.maximum(inside, 0)))
    counts = AIR * np.exp(-attenuation)
    counts += noise * np.sqrt(AIR * counts) * np.random.default_rng(seed).standard_normal(counts.shape)
    counts = counts.clip(0, 65_534).astype(np.uint16)
    if beside:
        counts[:, :beside] = counts[:, -beside:] = 65_535
    return counts


def particles_on(counts, air=AIR, min_area=Cutting.min_area):
    """Return the connected particles of a low layer in memory, by place; those in touch count as one."""
    belt = belt_columns(counts)
    transmission = (counts[:, belt] / np.float32(air)).astype(np.float32)
    cover = threshold_cover(transmission, air, np.zeros(belt.stop - belt.start, np.float32))
    found = Regions(Cutting(min_area=min_area)).ended(cover.weak, cover.strong, last=True)
    particles = [Particle(r.x + belt.start, r.y, r.mask.shape[1], r.mask.shape[0], r.clipped, r.mask) for r in found]
    return sorted(particles, key=lambda particle: (particle.y, particle.x))


def box_of(ellipse):
    """Return the true box (x, y, w, h) of an ellipse that lies inside the scan."""
    x, y, a, b = ellipse
    left, top = int(np.ceil(x - a)), int(np.ceil(y - b))
    return left, top, int(np.floor(x + a)) - left + 1, int(np.floor(y + b)) - top + 1


def iou(one, other):
    """Return intersection over union of two boxes (x, y, w, h)."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    return both / (one[2] * one[3] + other[2] * other[3] - both)
