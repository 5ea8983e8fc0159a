"""Planes as they would be had the detector recorded other counts; by the unit of their values."""

import torch
from torch import Tensor

from oresort.represent.representation import Representation
from oresort.xray.transmission import NOMINAL_AIR

SATURATED = 255.0
"""Counts at which an 8-bit conversion ends."""


def relight(planes: Tensor, gain: Tensor, offset: Tensor, representation: Representation) -> Tensor:
    """Return planes (B, 4, S, S) as if counts had been `gain * counts + offset`, both (B, 2, 1, 1).

    Counts are held within their range; a background of zero moves by the offset, too. From attenuation ln(gain)
    is taken, in proportion to each pixel's cover. There the offset, at most 20 counts of thousands, is applied
    at the pixel's mean transmission of the nominal air level.
    """
    value, cover = planes[:, :2], planes[:, 2:]  # (B, 2, S, S) each
    if representation.unit == "counts":
        value = (value * gain + offset).clamp(0.0, representation.ceiling)
    else:
        counts = NOMINAL_AIR * torch.exp(-value / cover.clamp_min(1e-3))
        shift = torch.log(((gain * counts + offset) / counts).clamp_min(1e-6))
        value = (value - shift * cover).clamp_max(representation.ceiling)
    return torch.cat((value, cover), dim=1)


def silhouette(planes: Tensor, offset: Tensor, representation: Representation) -> Tensor:
    """Return planes as an 8-bit conversion leaves them: particle at 255 counts, background at |offset|.

    The rim mixes both by its cover. In attenuation 255 counts are beyond the ceiling, and the background is 0.
    """
    cover = planes[:, 2:]  # (B, 2, S, S)
    if representation.unit == "counts":
        value = SATURATED * cover + offset.abs() * (1.0 - cover)
    else:
        value = representation.ceiling * cover
    return torch.cat((value, cover), dim=1)
