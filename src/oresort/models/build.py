"""A model from a plain dict, such as a configuration or a checkpoint holds."""

from collections.abc import Mapping
from typing import Any

from oresort.errors import InputError
from oresort.make import make
from oresort.models.checks import bounded
from oresort.models.fusions.fusion import Fusion
from oresort.models.heads.head import Head
from oresort.models.pairnet import PairNet
from oresort.models.towers.tower import Tower


def build_model(spec: Mapping[str, Any]) -> PairNet:
    """Build a model from `{"tower": {...}, "fusion": {...}, "head": {...}, "channels": 1, "share": False}`.

    `channels` (of each energy's image) and `share` (one tower for all images) may be left out, and so may `grade` (the
    head says a grade with its uncertainty).

    Raises:
        InputError: an unknown or missing key, a model of more than 2 GB, or what `make` and the parts refuse.
    """
    known = ("tower", "fusion", "head", "channels", "share", "grade")
    if unknown := [key for key in spec if key not in known]:
        raise InputError(f"model: unknown key {unknown[0]!r}; accepted: {', '.join(known)}")
    for key in known[:3]:
        if not isinstance(spec.get(key), Mapping):
            raise InputError(f"model: key {key!r} must be a mapping with a _target_")
    share, grade = spec.get("share", False), spec.get("grade", False)
    for key, value in (("share", share), ("grade", grade)):
        if not isinstance(value, bool):
            raise InputError(f"model: {key}={value!r}: give true or false")
    with bounded():
        return PairNet(
            tower=lambda channels: make(spec["tower"], Tower, channels=channels),
            fusion=make(spec["fusion"], Fusion),
            head=lambda width: make(spec["head"], Head, in_features=width),
            channels=spec.get("channels", 1),
            share=share,
            grade=grade,
        )
