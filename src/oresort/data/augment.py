"""Random changes of a training pair: one geometric draw for both energies, intensities by physics."""

import os
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from oresort.console.ranges import number, share
from oresort.data.degrade import bend, roughen
from oresort.errors import InputError
from oresort.represent.representation import Representation
from oresort.xray.transmission import NOMINAL_AIR

# without it each import asks the package index for its newest version, and waits if there is none
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations as A

SATURATED = 255.0  # counts at which an 8-bit conversion ends


class Augmentation:
    """Draws flips and a change of the recorded intensity for each pair of a batch, by three probabilities.

    Args:
        flip: of a horizontal flip, and again of a vertical one.
        transpose: of swapping rows and columns.
        intensity: of a change of intensity.
        gain: range of the factor on the counts, one draw for both energies.
        balance: range of a further factor, drawn for each energy by itself (drift of one layer's air).
        offset: range of the counts added.
        saturate: reproduce the released code's 8-bit conversion: the intensity change leaves a silhouette.
        noise: greatest deviation of the pixel noise added, on bare belt, as a share of the air level.
        curve: greatest change of each energy's attenuation v by another spectrum, as a share: of v, and of v squared.
    """

    def __init__(
        self,
        flip: float = 0.0,
        transpose: float = 0.0,
        intensity: float = 0.0,
        gain: Sequence[float] = (1.0, 1.0),
        balance: Sequence[float] = (1.0, 1.0),
        offset: Sequence[float] = (0.0, 0.0),
        saturate: bool = False,
        noise: Annotated[float, share()] = 0.0,
        curve: Annotated[float, number(0, 0.5)] = 0.0,
    ) -> None:
        for name, chance in (("flip", flip), ("transpose", transpose), ("intensity", intensity)):
            if not 0.0 <= chance <= 1.0:
                raise InputError(f"augment.{name}={chance}: not a probability; give a number from 0 to 1")
        for name, span in (("gain", gain), ("balance", balance), ("offset", offset)):
            if len(span) != 2 or span[0] > span[1] or (name != "offset" and span[0] <= 0):
                raise InputError(f"augment.{name}={list(span)}: give [low, high], factors above 0")
        self.flip, self.transpose, self.intensity, self.saturate = flip, transpose, intensity, saturate
        self.noise, self.curve = noise, curve
        self.gain, self.balance, self.offset = ((low, high) for low, high in (gain, balance, offset))
        # albumentations clips float32 pixels to [0, 1] in its pixel transforms: geometry only
        steps = [A.HorizontalFlip(p=flip), A.VerticalFlip(p=flip), A.Transpose(p=transpose)]
        self._geometric = A.Compose([step for step in steps if step.p > 0])

    @property
    def views(self) -> tuple[int, ...]:
        """The views of a particle that training draws, as codes of `turn`; 0 is as it lies."""
        return tuple(code for code in range(8) if (self.flip or not code & 3) and (self.transpose or not code & 4))

    def __call__(self, planes: Tensor, representation: Representation, rng: np.random.Generator) -> Tensor:
        """Return augmented planes (B, 4, S, S) float32; all randomness comes from `rng`."""
        # seeded here, since the library's own generators repeat themselves in every worker and epoch; and
        # one by one, since Compose would give all of them one seed and so flip and transpose together
        for step in self._geometric.transforms:
            step.set_random_seed(int(rng.integers(2**31)))
        if self._geometric.transforms:
            images = planes.permute(0, 2, 3, 1).numpy()  # (B, S, S, 4): one draw moves all planes of a pair
            moved = [self._geometric(image=np.ascontiguousarray(image))["image"] for image in images]
            planes = torch.from_numpy(np.stack(moved)).permute(0, 3, 1, 2).contiguous()  # (B, 4, S, S)
        if self.curve:
            changes = np.float32(rng.uniform(-self.curve, self.curve, (2, len(planes), 2, 1, 1)))
            slope, curvature = torch.from_numpy(changes)  # (B, 2, 1, 1) each
            planes = bend(planes, slope, curvature, representation)
        if self.noise:
            deviation = np.float32(rng.uniform(0.0, self.noise, (len(planes), 1, 1, 1)))
            white = rng.standard_normal(planes[:, :2].shape, np.float32)
            planes = roughen(planes, torch.from_numpy(deviation), torch.from_numpy(white), representation)
        if self.intensity == 0.0:
            return planes
        chosen = rng.random((len(planes), 1)) < self.intensity  # (B, 1)
        gain = rng.uniform(*self.gain, (len(planes), 1)) * rng.uniform(*self.balance, (len(planes), 2))  # (B, 2)
        offset = np.repeat(rng.uniform(*self.offset, (len(planes), 1)), 2, axis=1)  # (B, 2)
        drawn = [torch.from_numpy(x)[:, :, None, None] for x in (chosen, np.float32(gain), np.float32(offset))]
        return self._relit(planes, representation, *drawn)

    def on_device(self, planes: Tensor, representation: Representation, generator: torch.Generator) -> Tensor:
        """Return augmented planes (B, 4, S, S) float32 on their own device, drawn from its `generator`.

        The same changes with the same probabilities as by calling, for whole batches at once; the draws differ.
        """

        def uniform(span: tuple[float, float] = (0.0, 1.0), layers: int = 1) -> Tensor:
            drawn = torch.rand((len(planes), layers, 1, 1), generator=generator, device=planes.device)
            return span[0] + (span[1] - span[0]) * drawn  # (B, layers, 1, 1)

        if self.flip > 0 or self.transpose > 0:
            chances = (self.flip, self.flip, self.transpose)
            planes = turned(planes, torch.cat([uniform() < chance for chance in chances], 1)[..., 0, 0])
        if self.curve:
            span = (-self.curve, self.curve)
            planes = bend(planes, uniform(span, 2), uniform(span, 2), representation)
        if self.noise:
            white = torch.randn(planes[:, :2].shape, generator=generator, device=planes.device)
            planes = roughen(planes, uniform((0.0, self.noise)), white, representation)
        if self.intensity == 0.0:
            return planes
        gain = uniform(self.gain) * uniform(self.balance, 2)  # (B, 2, 1, 1)
        offset = uniform(self.offset).expand(-1, 2, -1, -1)
        chosen = uniform() < self.intensity  # (B, 1, 1, 1)
        return self._relit(planes, representation, chosen, gain, offset)

    def _relit(self, planes: Tensor, facts: Representation, chosen: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        if self.saturate:
            return torch.where(chosen, silhouette(planes, offset, facts), planes)
        # what is not chosen is multiplied by 1: cheaper than to choose between two sets of planes
        drawn = torch.where(chosen, offset, 0.0) if self.offset != (0.0, 0.0) else None
        return relight(planes, torch.where(chosen, gain, 1.0), drawn, facts)


def turned(planes: Tensor, how: Tensor) -> Tensor:
    """Return planes (B, C, S, S), turned as `how` (B, 3) says: mirrored in x, mirrored in y, then transposed."""
    return turned_in_groups(planes, how) if planes.device.type == "cpu" else turned_at_once(planes, how)


def turned_at_once(planes: Tensor, how: Tensor) -> Tensor:
    """Return what `turned` does, without a wait for the device."""
    for kind in range(3):
        planes = torch.where(how[:, kind, None, None, None], turn(planes, 1 << kind), planes)
    return planes


def turned_in_groups(planes: Tensor, how: Tensor) -> Tensor:
    """Return what `turned` does, with half the memory's work: each plane is read and written once."""
    code = (how.long() << torch.arange(3)).sum(1)  # (B,)
    result = torch.empty_like(planes)
    for kind in range(8):
        rows = (code == kind).nonzero()[:, 0]
        result[rows] = turn(planes[rows], kind)
    return result


def turn(planes: Tensor, code: int) -> Tensor:
    """Return images (..., S, S) in the view `code`, 0 to 7: 1 mirrors in x, 2 in y, 4 transposes then."""
    planes = planes.flip(-1) if code & 1 else planes
    planes = planes.flip(-2) if code & 2 else planes
    return planes.transpose(-2, -1) if code & 4 else planes


def relight(planes: Tensor, gain: Tensor, offset: Tensor | None, representation: Representation) -> Tensor:
    """Return planes (B, 4, S, S) as if counts had been `gain * counts + offset`, both (B, 2, 1, 1); None is 0.

    Counts are held within their range; a background of zero moves by the offset, too. From attenuation ln(gain) is
    taken, in proportion to each pixel's cover. There the offset, at most 20 counts of thousands, is applied at the
    pixel's mean transmission of the nominal air level.
    """
    value, cover = planes[:, :2], planes[:, 2:]  # (B, 2, S, S) each
    if representation.unit == "counts":
        value = (value * gain + (0.0 if offset is None else offset)).clamp(0.0, representation.ceiling)
    elif offset is None:
        value = (value - torch.log(gain) * cover).clamp_max(representation.ceiling)
    else:
        # a rim pixel holds its attenuation in proportion to cover: over cover it is the particle's own
        counts = NOMINAL_AIR * torch.exp(-value / cover.clamp_min(1e-3))
        # an offset below 0 may take more than there is: no logarithm of that
        shift = torch.log(((gain * counts + offset) / counts).clamp_min(1e-6))
        value = (value - shift * cover).clamp_max(representation.ceiling)
    return torch.cat((value, cover), dim=1)


def silhouette(planes: Tensor, offset: Tensor, representation: Representation) -> Tensor:
    """Return planes as an 8-bit conversion leaves them: particle at 255 counts, background at |offset|.

    The rim mixes both by its cover. In attenuation 255 counts are beyond the ceiling, and the background is 0.
    """
    cover = planes[:, 2:]  # (B, 2, S, S)
    counts = representation.unit == "counts"
    value = SATURATED * cover + offset.abs() * (1.0 - cover) if counts else representation.ceiling * cover
    return torch.cat((value, cover), dim=1)
