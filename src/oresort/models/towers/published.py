"""Published networks as towers: each turns one image, resized, into one vector."""

import difflib
import logging
from collections.abc import Mapping
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oresort.errors import InputError, one_line
from oresort.models.checks import positive
from oresort.models.towers.tower import Tower


class Resized(nn.Module):
    """Resizes (B, C, H, W) to a square bilinearly, runs a network, and returns its vectors as (B, dim, 1, 1)."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network, self.size = network, size

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, dim, 1, 1)."""
        if image.shape[2:] != (self.size, self.size):
            image = F.interpolate(image, (self.size, self.size), mode="bilinear", align_corners=False)
        vectors: Tensor = self.network(image)
        return vectors[:, :, None, None]


class TimmTower(Tower):
    """Any model of timm without its classifier, untrained; one stage, so fusions act before or after it.

    With the head `linear` it is the published classifier: what timm counts as the layers before the last (the
    perceptron of VGG, the norm of ConvNeXt) stays in the tower. Images are resized to a side of `size` pixels, and the
    network is built for it; some have a smallest size, e.g. 16 for patches of 16 pixels.

    Raises:
        InputError: timm knows no such `name`, it promises trained weights, or the network cannot take such images.
    """

    def __init__(self, channels: int, name: str, size: int = 224) -> None:
        # only names in timm's own registry: an "hf-hub:" name would reach for the network
        if not isinstance(name, str) or not timm.is_model(name):
            near = difflib.get_close_matches(str(name), timm.list_models(), n=5, cutoff=0.4)
            raise InputError(f"name={name!r}: timm has no such model; similar are {', '.join(near) or 'none'}")
        if "." in name:
            plain, _, tag = name.partition(".")
            how = f"name={plain} is untrained, weights=FILE takes them"
            raise InputError(f"name={name}: {tag} are trained weights, which are not loaded; {how}")
        # transformers are built for one size, convolutional networks take any
        published = timm.get_pretrained_cfg(name, allow_unregistered=False)
        keys: dict[str, Any] = {"in_chans": channels, "num_classes": 0}
        if positive("size", size) and published is not None and published.fixed_input_size:
            keys["img_size"] = size
        try:
            model = timm.create_model(name, pretrained=False, **keys)
            width = vector_width(model, channels, size)
        except (AssertionError, RuntimeError, TypeError, ValueError) as error:
            made_for = f"; it was published for size={published.input_size[-1]}" if published else ""
            what = f"size={size}: {name} cannot take images of {channels} x {size} x {size}{made_for}"
            raise InputError(f"{what} ({one_line(error)})") from error
        super().__init__((Resized(model, size),), (width,))
        self._name, self._keys = name, keys

    def take(self, network: Mapping[str, Tensor]) -> None:
        """Take trained weights of this network, as timm publishes them for any number of channels and classes.

        Raises:
            InputError: they are of another network, or a part of it.
        """
        # timm draws anew what it does not find, and says so to nobody: of NaN that is what is a number afterwards
        marks = {
            name: torch.full_like(value, torch.nan) if value.is_floating_point() else value
            for name, value in network.items()
        }
        state = self._trained(network)
        drawn = [
            name
            for name, value in self._trained(marks).items()
            if value.is_floating_point() and not value.isnan().all()
        ]
        if drawn:
            raise InputError(f"not all of {self._name}, {drawn[0]} is missing; give whole weights of it")
        # and it is silent of what it does not need: a larger network of the same blocks would lose every second of them
        published = timm.get_pretrained_cfg(self._name, allow_unregistered=False)
        classifier: Any = (published.classifier if published else None) or ()
        heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        more = [name for name in network if not name.startswith(tuple(f"{head}." for head in heads))]
        if len(more) > len(state):
            raise InputError(f"{len(more)} tensors, {self._name} has {len(state)}; give weights of it")
        self.stages[0].get_submodule("network").load_state_dict(state)

    def _trained(self, network: Mapping[str, Tensor]) -> dict[str, Tensor]:
        logger = logging.getLogger("timm.models._builder")
        before, logger.disabled = logger.disabled, True
        try:
            # given tensors it looks for no file and on no network
            overlay = {"state_dict": dict(network), "source": "", "custom_load": False}
            model = timm.create_model(self._name, pretrained=True, pretrained_cfg_overlay=overlay, **self._keys)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"no weights of {self._name} ({one_line(error)[:300]}); give those of it") from error
        finally:
            logger.disabled = before
        return dict(model.state_dict())


@torch.no_grad()
def vector_width(model: nn.Module, channels: int, size: int) -> int:
    """Return the width of the vectors that a network makes of images (B, channels, size, size), by making one.

    Raises:
        ValueError: it makes no vectors, or its patches do not divide the size; and whatever the network raises.
    """
    # what networks say of their own width or patches is not the same thing in all of timm
    vectors = model.eval()(torch.zeros(1, channels, size, size))
    model.train()
    if not isinstance(vectors, Tensor) or vectors.ndim != 2:
        raise ValueError("it gives no vector an image")
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is not None and first.kernel_size == first.stride and size % first.stride[0]:
        raise ValueError(f"it would ignore the border; give a multiple of its patches' {first.stride[0]} pixels")
    return vectors.shape[1]


class AlexNet(Tower):
    """AlexNet at half its width, which is what the paper compares with: 14.57 M parameters for one channel.

    Convolutions of 48, 128, 192, 192 and 128 channels, then 4608 - 2048 - 2048; the classifier is the head. Krizhevsky
    et al., NeurIPS 2012, one of its two streams with all connections. `size` is the side in pixels to which images are
    resized, `dropout` the share of entries dropped in training before either wide layer.

    Raises:
        InputError: `size` below 63, or `dropout` not from 0 to below 1.
    """

    def __init__(self, channels: int, size: int = 224, dropout: float = 0.5) -> None:
        if positive("size", size) < 63:
            raise InputError(f"size={size}: AlexNet pools an image three times; give at least 63")
        if not 0 <= dropout < 1:
            raise InputError(f"dropout={dropout}: give a share from 0 to below 1")
        network = nn.Sequential(
            *_convolution(channels, 48, 11, stride=4, padding=2),
            nn.MaxPool2d(3, 2),
            *_convolution(48, 128, 5, padding=2),
            nn.MaxPool2d(3, 2),
            *_convolution(128, 192, 3, padding=1),
            *_convolution(192, 192, 3, padding=1),
            *_convolution(192, 128, 3, padding=1),
            nn.MaxPool2d(3, 2),
            nn.AdaptiveAvgPool2d(6),  # the identity at 224
            nn.Flatten(),
            *(nn.Dropout(dropout), nn.Linear(128 * 6 * 6, 2048), nn.ReLU(inplace=True)),
            *(nn.Dropout(dropout), nn.Linear(2048, 2048), nn.ReLU(inplace=True)),
        )
        super().__init__((Resized(network, size),), (2048,))


def _convolution(channels: int, width: int, kernel: int, **keys: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, width, kernel, **keys), nn.ReLU(inplace=True)  # type: ignore[arg-type]  # ints all
