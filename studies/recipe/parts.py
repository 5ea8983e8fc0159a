"""What was tried for the recipe and not kept: towers that pool otherwise, losses and mixtures of pairs.

Users name parts of their own alike, e.g. `modules=[studies.recipe.parts]
model.tower._target_=studies.recipe.parts.Pooled`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oresort.errors import InputError
from oresort.learn.losses import Loss
from oresort.learn.objective import Objective, Outputs
from oresort.models.pairnet import PairNet
from oresort.models.towers.lite import LiteTower

LEAST = 1e-6  # variance, whose root must have a gradient
REFERENCE = (1.85, -0.26)  # l of rock as c1 h + c2 h^2: the middle of four rocks of scan 38


class Keep(nn.Module):
    """Passes an image on and keeps it."""

    image: Tensor

    def forward(self, image: Tensor) -> Tensor:
        """Return the image."""
        self.image = image
        return image


class Pooled(LiteTower):
    """A lite tower that pools over the particle and not over the image; wants both energies with their covers.

    `statistics` are those of its maps over the particle that make the vector: mean, std, max; `physics` joins eight
    quantities of the particle itself: area, mean l, h and R, l - f(h) and the deviations of l, h and l - f(h).
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int] = (8, 16, 32, 32),
        strided: int = 2,
        kernel: int = 5,
        statistics: Sequence[str] = ("mean",),
        physics: bool = False,
    ) -> None:
        super().__init__(channels, widths, strided, kernel)
        if channels != 4 or not set(statistics) <= {"mean", "std", "max"}:
            raise InputError("Pooled: wants representation.mask=true model/fusion=stack, and statistics mean, std, max")
        self.keep, self.statistics = Keep(), tuple(statistics)
        first = self.stages[0]
        assert isinstance(first, nn.Sequential)
        self.stages[0] = nn.Sequential(self.keep, *first)
        self.norm = nn.BatchNorm1d(8) if physics else None
        self.widths = (*self.widths[:-1], self.widths[-1] * len(self.statistics) + (8 if physics else 0))

    def pool(self, maps: Tensor) -> Tensor:
        """Return the vector (B, dim) of maps (B, C, H, W)."""
        image = self.keep.image  # (B, 4, S, S): l, its cover, h, its cover
        cover = (image[:, 1:2] + image[:, 3:]) / 2
        weight = F.adaptive_avg_pool2d(cover, (maps.shape[2], maps.shape[3]))  # (B, 1, H, W)
        weight = weight / weight.sum((2, 3), keepdim=True).clamp_min(LEAST)
        mean = (maps * weight).sum((2, 3))
        found = {
            "mean": lambda: mean,
            "std": lambda: ((maps - mean[:, :, None, None]) ** 2 * weight).sum((2, 3)).clamp_min(LEAST).sqrt(),
            "max": lambda: (maps * (weight > 0)).amax((2, 3)),
        }
        vectors = [found[name]() for name in self.statistics]
        if self.norm is not None:
            vectors.append(self.norm(physical(image[:, 0], image[:, 2], cover[:, 0])))
        return torch.cat(vectors, 1)


def physical(low: Tensor, high: Tensor, cover: Tensor) -> Tensor:
    """Return eight quantities (B, 8) of particles, of attenuations l and h and the cover, (B, S, S) each."""
    area = cover.sum((1, 2)).clamp_min(1.0)  # (B,)
    residual = low - (REFERENCE[0] * high + REFERENCE[1] * high.square()) * cover
    means = [image.sum((1, 2)) / area for image in (low, high, residual)]  # (B,) each
    spreads = [
        (((image - mean[:, None, None]) ** 2 * cover).sum((1, 2)) / area).sqrt()
        for image, mean in zip((low, high, residual), means, strict=True)
    ]
    return torch.stack([area / cover[0].numel(), *means, means[0] / means[1].clamp_min(0.05), *spreads], 1)


class Symmetric(Loss):
    """Cross-entropy and its reverse, which bears wrong labels (Wang et al., ICCV 2019); `share` is that of the reverse.

    The reverse is -A (1 - p) with A = -4, the log that stands for that of 0.
    """

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = share

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair."""
        losses = F.cross_entropy(logits, label, reduction="none")
        return (1 - self.share) * losses + self.share * 4.0 * (1 - torch.exp(-losses))


class Bootstrapped(Loss):
    """Cross-entropy with labels that are in part the model's own answers (Reed et al., 2015), all but a `share`."""

    def __init__(self, share: float = 0.8) -> None:
        super().__init__()
        self.share = share

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair."""
        target = self.share * F.one_hot(label, 2) + (1 - self.share) * logits.detach().softmax(1)
        return -(target * logits.log_softmax(1)).sum(1)


class Mixing(Objective):
    """Trains on mixtures of pairs.

    `mixup` blends two (Zhang et al., ICLR 2018), `cutmix` is the chance that a square of one is put into the other (Yun
    et al., ICCV 2019), `erase` that it is only taken out.
    """

    def __init__(
        self,
        net: PairNet,
        loss: Mapping[str, Any] | None = None,
        mixup: float = 0.0,
        cutmix: float = 0.0,
        erase: float = 0.0,
        **others: float,
    ) -> None:
        super().__init__(net, loss, **others)
        self.mixup, self.cutmix, self.erase = mixup, cutmix, erase

    def forward(self, batch: Mapping[str, Any], draw: torch.Generator) -> tuple[Tensor, Outputs]:
        """Return the loss of a mixed batch, see `Objective`; the first of both labels counts in the figures."""
        low, high, label = batch["low"].clone(), batch["high"].clone(), batch["label"]
        chance, share, top, left = torch.rand(4, generator=draw).tolist()
        keep = torch.ones(len(low))
        if self.mixup:
            blend = torch.distributions.Beta(self.mixup, self.mixup).sample()
            low, high, keep = (
                blend * low + (1 - blend) * low.flip(0),
                blend * high + (1 - blend) * high.flip(0),
                keep * blend,
            )
        elif chance < self.cutmix + self.erase:
            size = low.shape[-1]
            side = int(size * (0.1 + 0.4 * share) ** 0.5)
            rows, columns = (
                slice(start, start + side) for start in (int(top * (size - side)), int(left * (size - side)))
            )
            other = (slice(None), slice(None), rows, columns)
            whole = (low > 0).flatten(1).sum(1)
            for image in (low, high):
                image[other] = image.flip(0)[other] if chance < self.cutmix else 0.0
            if chance < self.cutmix:  # in proportion to what of the particle is still its own
                keep = 1 - (low[other] > 0).flatten(1).sum(1) / whole.clamp_min(1)
                keep = keep.clamp(0, 1)
        logits = self.net(low, high)
        own, others = self.loss(logits, label), self.loss(logits, label.flip(0))  # (B,) each
        loss = (keep * own + (1 - keep) * others).mean()
        return loss, Outputs(logits.detach(), own.detach(), None)
