"""What the runtime asks of a model, be it a file of ONNX or a checkpoint."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.errors import InputError
from oresort.files.dataset import WORDS, Cutting
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point
from oresort.sorting.probability import check_probabilities
from oresort.xray.transmission import FULL_SCALE

Counts = NDArray[np.uint16]

BATCH = 64
"""Pairs that a model is given at a time, at most."""


class Model(Protocol):
    """A trained model that answers batches of particles as they come."""

    @property
    def file(self) -> Path:
        """Where it was read from."""

    @property
    def digest(self) -> str:
        """SHA-256 of that file, 64 letters."""

    @property
    def threshold(self) -> float:
        """The decision threshold chosen on validation data, 0 to 1."""

    @property
    def point(self) -> Point:
        """That threshold, the rule that chose it, and what it promises."""

    @property
    def known(self) -> Lot | None:
        """Validation pairs as it answered them; None if it knows of none."""

    @property
    def cut(self) -> Cutting | None:
        """How the pairs it was trained on were cut; None if that is not known."""

    @property
    def seen(self) -> Mapping[str, Any]:
        """What its training pairs and their scans looked like, see `oresort.sorting.drift.compare`; {} if unknown."""

    def describe(self) -> dict[str, Any]:
        """Return what a record says of it, in plain values: file, digest, and what it knows of its making."""

    def __call__(
        self, lows: Sequence[Counts], highs: Sequence[Counts], air: float, background: str
    ) -> NDArray[np.float32]:
        """Return the probability of ore (B,) of B particles, at least one, as the pairs of crops (h, w) show them.

        `air` is the counts without a particle, `background` that of the crops, `zero` or `air`.
        """


def predict(
    model: Model, low: Counts | Sequence[Counts], high: Counts | Sequence[Counts], air: float, background: str
) -> NDArray[np.float32]:
    """Return the probability of ore (N,) of particles, prepared as the model's training pairs were.

    `low` and `high` are uint16 counts (H, W) of one particle, or lists of such; the rest as a `Model` is called.

    Raises:
        InputError: no counts of uint16, layers of different sizes or numbers, an air level or a background that cannot
            be, or answers that are no probabilities.
    """
    if not 1 <= air <= 2 * FULL_SCALE:  # NaN is not
        raise InputError(f"air={air}: give the counts without a particle, 1 to {2 * FULL_SCALE:,}")
    if background not in WORDS["background"]:
        raise InputError(f"background={background}: unknown; known are {', '.join(WORDS['background'])}")
    lows, highs = ([x] if isinstance(x, np.ndarray) and x.ndim == 2 else list(x) for x in (low, high))
    if [np.shape(x) for x in lows] != [np.shape(x) for x in highs]:
        raise InputError("low, high: give as many of one energy as of the other, of the same sizes")
    if any(np.ndim(x) != 2 or x.dtype != np.uint16 for x in (*lows, *highs)):
        raise InputError("low, high: give counts (H, W) of uint16, one image or a list of images of each energy")
    found = [np.zeros(0, np.float32)]
    for start in track(range(0, len(lows), BATCH), -(-len(lows) // BATCH), "classifying particles"):
        part = slice(start, start + BATCH)
        found.append(model(lows[part], highs[part], air, background))
    p_ore = np.concatenate(found)
    check_probabilities(p_ore, f"{model.file}: p_ore")
    return p_ore
