"""What the runtime asks of a model, be it a file of ONNX or a checkpoint."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point

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
