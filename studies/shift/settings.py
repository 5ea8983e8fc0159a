"""The datasets that are shifted, and the models that meet them: names and words of the commands."""

import hashlib
import json
from dataclasses import asdict, replace
from functools import cache
from typing import NamedTuple

from oresort.learn.run import identity
from studies.command import compose

SAME = "same setting, other lots"
SHIFTS: dict[str, tuple[str, ...]] = {
    SAME: (),
    "tube at 152 kV": ("kvp=152",),
    "tube at 168 kV": ("kvp=168",),
    "air level recorded 2 % low": ("air_error=-0.02",),
    "air level recorded 1 % low": ("air_error=-0.01",),
    "air level recorded 1 % high": ("air_error=0.01",),
    "air level recorded 2 % high": ("air_error=0.02",),
    "noise x1.5": ("noise=1.5",),
    "blur of 1 pixel": ("blur=1.0",),
    "layers that overlie": ("magnification=0",),
    "particles x0.7": ("size=0.7",),
    "particles x1.4": ("size=1.4",),
    "stack: 0.6 mm between": ("between=0.6",),
    "stack: thin front, harder beam": ("front=0.12", "filter=0.3"),
    "calcic rock alone": ("lithologies=[calcic]",),
    "association 0.4": ("association=0.4",),
    "labels by assay": ("labels=assay",),
}
"""Words of `simulate`. The same seed gives the same rocks wherever the rocks are not what is shifted."""


class Model(NamedTuple):
    """A model to train: words of `train`, none for gradient boosting, and of `simulate` for its training data."""

    words: tuple[str, ...]
    data: tuple[str, ...] = ()


LITE = ("recipe=lite",)
COMPACT = ("model/tower=compact", "model/fusion=stack", "model/head=linear", "optim.lr=3e-3", "trainer.max_epochs=12")
WIDE = "augment=wide"
MODELS = {
    "lite": Model(LITE),
    "lite, augment=wide": Model((*LITE, WIDE)),
    "compact": Model(COMPACT),
    "compact, augment=wide": Model((*COMPACT, WIDE)),
    "compact, standardised": Model((*COMPACT, "representation=standardized")),
    "gradient boosting": Model(()),
    "lite, without calcic": Model(LITE, ("lithologies=[potassic,phyllic,propylitic]",)),
    "lite, overlying layers": Model(LITE, ("magnification=0",)),
}


@cache
def called(name: str) -> str:
    """Return what the files of a model are called: models that are the same training share them.

    A recipe may change between two runs of the study: then nothing of the first is taken for the second.
    """
    words, data = MODELS[name]
    if not words:
        return "boosting"
    cfg = compose(*words, "data.root=any")
    settings = identity(asdict(replace(cfg, recipe=replace(cfg.recipe, name=""))), pairs=repr(data))
    return hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=5).hexdigest()
