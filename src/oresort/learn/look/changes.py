"""What would move the answer: pairs as they would be seen were the particle thicker, or held more of a mineral."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.belt.conditions import Conditions
from oresort.belt.rock import LITHOLOGIES
from oresort.console.progress import track
from oresort.learn.look.crops import Crop
from oresort.learn.trained import Trained
from oresort.runtime.model import BATCH
from oresort.sorting.probability import check_probabilities
from oresort.xray.beam import make_beam
from oresort.xray.changes import CHANGES, Change, Host
from oresort.xray.detector import Stack
from oresort.xray.transmission import FULL_SCALE, attenuation

LITHOLOGY = "phyllic"
"""The host rock that tells how thick a pixel is: that of the orebody; of a beam and detector as on scan 38."""

_SMOOTHING = 2.0  # pixels: what varies over less is taken for noise


def scan_38() -> Host:
    """Return the host rock in the beam of the paper's sorter, as far as both are known."""
    usual = Conditions()
    stack = Stack(copper=usual.filter, front=usual.front, between=usual.between)
    return Host(make_beam(usual.kvp, stack), LITHOLOGIES[LITHOLOGY])


def changed(crop: Crop, change: Change, host: Host) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return the counts (H, W) of both layers after a change; what is no particle in a layer stays as it is."""
    low, high = (attenuation(counts, crop.air).ravel() for counts in (crop.low, crop.high))  # (H * W,) each
    masks = [mask.ravel() for mask in crop.masks]
    # on the rim one layer alone may see the particle: the other is what the host would show it
    high = np.where(masks[1], high, host.attenuation(host.thickness(low, 0))[1])
    low = np.where(masks[0], low, host.attenuation(host.thickness(high, 1))[0])
    found = []

    def smooth(rest: NDArray[np.float32]) -> NDArray[np.float32]:
        images = rest.reshape(2, *crop.shape)
        return np.stack([_smoothed(image, mask).ravel() for image, mask in zip(images, crop.masks, strict=True)])

    for new, counts, mask in zip(
        host.changed(low, high, change, smooth), (crop.low, crop.high), crop.masks, strict=True
    ):
        made = np.clip(np.rint(crop.air * np.exp(-new.reshape(crop.shape))), 1, FULL_SCALE).astype(np.uint16)
        found.append(np.where(mask, made, counts))
    return found[0], found[1]


def _smoothed(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image (H, W) as it is without noise from pixel to pixel, by the particle's own pixels alone."""
    cover = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SMOOTHING)
    return np.asarray(cv2.GaussianBlur(image * mask, (0, 0), _SMOOTHING) / np.maximum(cover, 1e-3), np.float32)


def answers(trained: Trained, crops: Sequence[Crop], change: Change | None, host: Host) -> NDArray[np.float32]:
    """Return the probability of ore (N,) of crops after a change, or as they are.

    Raises:
        InputError: answers that are no probabilities.
    """
    found, make = [], trained.representation.planes
    for start in range(0, len(crops), BATCH):
        part = crops[start : start + BATCH]
        pairs = [(crop.low, crop.high) if change is None else changed(crop, change, host) for crop in part]
        planes = [make(*pair, crop.air, crop.background) for pair, crop in zip(pairs, part, strict=True)]
        found.append(trained.answer(np.stack(planes)))
    p_ore = np.concatenate(found)
    check_probabilities(p_ore, f"{trained.file}: p_ore")
    return p_ore


def moved(trained: Trained, crops: Sequence[Crop]) -> dict[str, NDArray[np.float32]]:
    """Return the probability of ore (N,) of crops as they are, by the name "", and after each of `CHANGES`."""
    host, found = scan_38(), {}
    for change in track((None, *CHANGES), 1 + len(CHANGES), "changing particles"):
        found[change.name if change else ""] = answers(trained, crops, change, host)
    return found
