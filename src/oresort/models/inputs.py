"""What stands in front of every network: planes in, images out."""

import torch
from torch import Tensor, nn

from oresort.represent.representation import Representation


class Inputs(nn.Module):
    """Makes the low and the high image, each (B, C, S, S) float32, of planes (B, 4, S, S) of a representation."""

    def __init__(self, representation: Representation) -> None:
        super().__init__()
        self.standardise, self.mask = representation.standardise, representation.mask

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, 4, S, S) to two images (B, C, S, S): the value, and with `mask` its cover."""
        value = planes[:, :2]  # (B, 2, S, S)
        if self.standardise:
            mean, std = _moments(value)
            value = (value - mean) / std
        images = value.unsqueeze(2)  # (B, 2, 1, S, S)
        if self.mask:
            images = torch.stack((value, planes[:, 2:]), dim=2)  # (B, 2, 2, S, S)
        return images[:, 0], images[:, 1]

    def empty(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images of a bare belt in the place of particles, shifted and scaled as theirs are."""
        bare = torch.zeros_like(planes[:, :2])
        if self.standardise:
            mean, std = _moments(planes[:, :2])
            bare = bare - mean / std  # (B, 2, S, S)
        images = bare.unsqueeze(2)
        if self.mask:
            images = torch.stack((bare, torch.zeros_like(bare)), dim=2)  # (B, 2, 2, S, S)
        return images[:, 0], images[:, 1]


def _moments(value: Tensor) -> tuple[Tensor, Tensor]:
    std, mean = torch.std_mean(value, dim=(2, 3), correction=0, keepdim=True)  # (B, 2, 1, 1)
    return mean, std.clamp_min(1e-6)  # an empty image has no deviation
