"""The models whose looks are compared: words of the commands."""

from typing import NamedTuple


class Model(NamedTuple):
    """A model to train by these words of `train`, and to look at by these of `explain`."""

    train: tuple[str, ...]
    explain: tuple[str, ...] = ("pairs=300", "curves=60")


_STANDARDISED = ("recipe=lite", "representation=standardized", "representation.size=56")
# the paper's network does 260 times the work of lite
_SLOW = ("pairs=40", "curves=10", "steps=16", "controls=[random]")
_LEAST = ("pairs=20", "curves=0", "steps=8", "controls=[random]")
_FAST = ("trainer.precision=bf16-mixed", "channels_last=true", "data.resident=true")
MODELS = {
    "lite": Model(("recipe=lite",)),
    "lite, standardised": Model(_STANDARDISED),
    "lite, as released": Model((*_STANDARDISED, "augment=as_released")),
    "network of the paper": Model(("recipe=default", "trainer.max_epochs=8", *_FAST), _SLOW),
    "recipe of the paper": Model(("recipe=paper", "trainer.max_epochs=6", *_FAST), _LEAST),
}
"""lite: attenuation, on which the physics rests. standardised: each image by its own mean and deviation. as released:
half of all training pairs are silhouettes, too. The paper's network with attenuation and the package's start, and with
the paper's images and start, which in so few epochs learns next to nothing."""
