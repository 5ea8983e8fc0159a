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
            std, mean = torch.std_mean(value, dim=(2, 3), correction=0, keepdim=True)  # (B, 2, 1, 1)
            value = (value - mean) / std.clamp_min(1e-6)  # an empty image has no deviation
        images = value.unsqueeze(2)  # (B, 2, 1, S, S)
        if self.mask:
            images = torch.stack((value, planes[:, 2:]), dim=2)  # (B, 2, 2, S, S)
        return images[:, 0], images[:, 1]
