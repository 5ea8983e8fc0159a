"""How well found particles agree with the true labels of a simulated scan."""

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from oresort.scan.segment.particle import Particle

GAP = 4  # true particles with less than this many bare pixels between them count as touching
_HELD = 0.5  # share of a true particle's pixels that makes it part of a found one
_ALSO = 0.2  # the same for a second true particle under one mask: it is a merger then


def score(labels: NDArray[np.uint16], particles: Sequence[Particle], belt: slice) -> pd.DataFrame:
    """Compare found particles with the true one at each pixel (H, W), 0 for belt; one row a true particle.

    Columns: `label`, `kind` (`isolated`, `touching`, `cut`: at the border of scan or `belt`), `area` (pixels), `iou`
    (with the found particle that shares most of it; 0 if none), `flagged` (that one is flagged `touching`), `parted`,
    `merged` (that one is not flagged, yet holds a fifth or more of another true particle as well).
    """
    count = int(labels.max())
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GAP - 1, 2 * GAP - 1))
    area = np.bincount(labels.ravel(), minlength=count + 1)
    shared = np.zeros((len(particles), count + 1), np.int64)
    for index, particle in enumerate(particles):
        shared[index] = np.bincount(labels[particle.box][particle.mask], minlength=count + 1)
    size = np.array([particle.mask.sum() for particle in particles], np.int64)
    rows = []
    for label, box in enumerate(ndimage.find_objects(labels, count), start=1):
        if box is None:
            continue  # wholly hidden, or outside the belt
        best = int(shared[:, label].argmax()) if len(particles) else -1
        common = int(shared[best, label]) if best >= 0 else 0
        found = particles[best] if common else None
        held = shared[best] / np.maximum(area, 1) if common else np.zeros(count + 1)
        held[[0, label]] = 0
        whole = common >= _HELD * area[label]
        around = labels[tuple(slice(max(s.start - GAP, 0), s.stop + GAP) for s in box)]
        reach = cv2.dilate((around == label).astype(np.uint8), kernel).view(np.bool_)
        near = (around[reach & (around != label)] > 0).any()
        edge = box[0].start == 0 or box[0].stop == labels.shape[0]
        edge |= box[1].start <= belt.start or box[1].stop >= belt.stop
        rows.append(
            {
                "label": label,
                "kind": "cut" if edge else "touching" if near else "isolated",
                "area": int(area[label]),
                "iou": common / (area[label] + size[best] - common) if common else 0.0,
                "flagged": bool(found and found.touching),
                "parted": bool(found and found.parted),
                "merged": bool(found and not found.touching and whole and (held >= _ALSO).any()),
            }
        )
    return pd.DataFrame(rows)


def shares(scores: pd.DataFrame) -> dict[str, float]:
    """Return how many true particles lie alone and in touch, and which shares (0-1) of either go right and wrong."""
    isolated, touching = (scores[scores["kind"] == kind] for kind in ("isolated", "touching"))
    apart = (touching["iou"] >= 0.75) & ~touching["flagged"]
    return {
        "isolated": len(isolated),
        "IoU >= 0.9": (isolated["iou"] >= 0.9).mean(),
        "median IoU": isolated["iou"].median(),
        "flagged for nothing": isolated["flagged"].mean(),
        "parted for nothing": isolated["parted"].mean(),
        "touching": len(touching),
        "apart": apart.mean(),
        "flagged": touching["flagged"].mean(),
        "merged silently": touching["merged"].mean(),
        "otherwise wrong": (~apart & ~touching["flagged"] & ~touching["merged"]).mean(),
    }
