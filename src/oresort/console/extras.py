"""Packages that are not installed with the plain one, in the words of the user."""

from collections.abc import Iterator
from contextlib import contextmanager

from oresort.errors import InputError

EXTRAS = {
    **dict.fromkeys(("torch", "torchvision", "lightning", "torchmetrics", "timm", "albumentations", "captum"), "train"),
    **dict.fromkeys(("sklearn", "xraylib", "wandb"), "train"),
    **dict.fromkeys(("onnx", "onnxscript"), "export"),
    "wandb_workspaces": "dashboard",
    "optuna": "search",
}
"""By module, the extra of this package that brings it."""


def not_installed(error: ModuleNotFoundError, what: str = "") -> InputError | None:
    """Return what to install where a module of an extra is missing, `what` before it; None for any other module."""
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        return None
    before = f"{what}; " if what else ""
    return InputError(f"{before}{module}: not installed; pip install 'oresort[{EXTRAS[module]}]'")


@contextmanager
def needing(what: str = "") -> Iterator[None]:
    """Raise InputError, `what` before it, where the block imports a module of an extra that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (known := not_installed(error, what)) is None:
            raise
        raise known from error
