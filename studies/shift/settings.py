"""The datasets that are shifted, and the models that meet them: names and words of the commands."""

from typing import NamedTuple

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
COMPACT = ("model/tower=compact", "model/fusion=stack", "model/head=linear", "optim.lr=3e-3")
WIDE = (*LITE, "augment=wide")
MODELS = {
    "lite": Model(LITE),
    "lite, wide augmentation": Model(WIDE),
    "compact": Model(COMPACT),
    "standardised": Model((*COMPACT, "representation=standardized")),
    "gradient boosting": Model(()),
    "lite, no calcic rock": Model(LITE, ("lithologies=[potassic,phyllic,propylitic]",)),
    "lite, layers that overlie": Model(LITE, ("magnification=0",)),
}
