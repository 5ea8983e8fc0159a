"""What a model is trained on where there are no labels."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oresort.errors import InputError
from oresort.models.checks import positive
from oresort.models.pairnet import PairNet


class Pretext(nn.Module, ABC):
    """A task whose answer the images hold themselves, and what it needs beside the model.

    A pretext takes as keywords, beside its own settings, the model `net` that it is made for, of which it keeps
    nothing, and the images' `channels` and `size`.
    """

    @abstractmethod
    def forward(self, net: PairNet, low: Tensor, high: Tensor, draw: torch.Generator) -> Tensor:
        """Return the loss, a scalar of at least 0, of images (B, C, S, S) each; `draw` is of their device."""


class MaskedBlocks(Pretext):
    """Fills in what was hidden: blocks of both images, predicted from what is left of them.

    The maps of every tower go through one linear map a position, back to pixels; nothing of that is part of the model.
    The loss is the squared error over the hidden pixels as a share of their variance: 1 where nothing is learned, 0
    where all is known. After He et al., CVPR 2022 (arXiv:2111.06377), with a decoder of one layer.

    Args:
        net: the model, see `Pretext`, as the next two.
        channels: of each energy's image.
        size: side of the images in pixels.
        block: side of what is hidden at once, in pixels.
        share: of the blocks that is hidden, above 0 and below 1.

    Raises:
        InputError: a number out of its range, or a model that looks at one energy alone.
    """

    def __init__(self, net: PairNet, channels: int, size: int, block: int = 4, share: float = 0.5) -> None:
        super().__init__()
        if not 0 < share < 1:
            raise InputError(f"pretext.share={share}: give a number above 0 and below 1")
        if len(net.fusion.energies) != 2:
            raise InputError("pretext: fills in both energies; choose a fusion of both")
        self.block, self.share, self.size = positive("pretext.block", block, size), share, size
        blank = torch.zeros(1, channels, size, size)
        training = net.training
        with torch.no_grad():
            maps = net.eval().maps(blank, blank)
        net.train(training)
        self.steps = [-(-size // m.shape[-1]) for m in maps]  # pixels that one position of a map stands for
        self.decoders = nn.ModuleList(
            nn.Conv2d(m.shape[1], 2 * channels * step**2, 1) for m, step in zip(maps, self.steps, strict=True)
        )

    def forward(self, net: PairNet, low: Tensor, high: Tensor, draw: torch.Generator) -> Tensor:
        """Return the loss, a scalar, of images (B, C, S, S) each."""
        images, hidden = torch.cat((low, high), 1), self.hidden(len(low), draw)  # (B, 2C, S, S), (B, 1, S, S)
        maps = net.maps(low * ~hidden, high * ~hidden)  # (B, dim, h, w) each
        found = [
            F.pixel_shuffle(decode(m), step)[..., : self.size, : self.size]
            for decode, m, step in zip(self.decoders, maps, self.steps, strict=True)
        ]
        error = (torch.stack(found).sum(0).float() - images.float()).square()  # (B, 2C, S, S)
        wanted = images.float().transpose(0, 1)[hidden.expand_as(images).transpose(0, 1)].view(images.shape[1], -1)
        missed = error.transpose(0, 1)[hidden.expand_as(images).transpose(0, 1)].view(images.shape[1], -1)
        return (missed.mean(1) / wanted.var(1, correction=0).clamp_min(1e-6)).mean()

    def hidden(self, count: int, draw: torch.Generator) -> Tensor:
        """Return what of `count` images is hidden, (count, 1, S, S) bool, the same share of blocks in each."""
        across = -(-self.size // self.block)
        order = torch.rand((count, across**2), generator=draw, device=draw.device).argsort(1)
        blocks = (order < max(1, round(self.share * across**2))).view(count, 1, across, across)
        pixels = blocks.repeat_interleave(self.block, 2).repeat_interleave(self.block, 3)
        return pixels[..., : self.size, : self.size]
