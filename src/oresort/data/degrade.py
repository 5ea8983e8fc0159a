"""Planes as another sorter would have taken them: noisier, with another spectrum."""

import torch
from torch import Tensor

from oresort.represent.representation import Representation
from oresort.xray.transmission import NOMINAL_AIR

_LEAST = 1e-3  # cover of a pixel below which nothing is known of the particle in it


def roughen(planes: Tensor, deviation: Tensor, white: Tensor, representation: Representation) -> Tensor:
    """Return planes (B, 4, S, S) with more pixel noise.

    `deviation` (B, 1, 1, 1) is that of a pixel of bare belt, as a share of the air level; `white` (B, 2, S, S) has unit
    variance. Quanta are counted: the noise of an attenuation v grows with exp(v / 2).
    """
    own, cover = _own(planes, representation)
    return _planes(own + deviation * white * torch.exp(own / 2), cover, representation)


def bend(planes: Tensor, slope: Tensor, curvature: Tensor, representation: Representation) -> Tensor:
    """Return planes (B, 4, S, S) as another spectrum or stack sees them: v (1 + slope + curvature v) of each energy.

    `slope` and `curvature` are (B, 2, 1, 1); v is the particle's own attenuation in a pixel.
    """
    own, cover = _own(planes, representation)
    return _planes(own * (1 + slope + curvature * own), cover, representation)


def _own(planes: Tensor, representation: Representation) -> tuple[Tensor, Tensor]:
    """Return the particle's own attenuation in each pixel, and the cover, (B, 2, S, S) each."""
    value, cover = planes[:, :2], planes[:, 2:]
    # a rim pixel holds its value in proportion to cover
    own = value / cover.clamp_min(_LEAST)
    if representation.unit == "counts":
        own = torch.log(NOMINAL_AIR / own.clamp_min(1.0))
    return own, cover


def _planes(own: Tensor, cover: Tensor, representation: Representation) -> Tensor:
    counts = representation.unit == "counts"
    value = cover * (NOMINAL_AIR * torch.exp(-own) if counts else own)
    return torch.cat((value.clamp_max(representation.ceiling), cover), dim=1)
