"""Random changes of a training pair: one geometric draw for both energies, intensities by physics."""

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from oresort.data.relight import relight, silhouette
from oresort.errors import InputError
from oresort.represent.representation import Representation

# without it each import asks the package index for its newest version, and waits if there is none
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import albumentations as A


class Augmentation:
    """Draws flips and a change of the recorded intensity for each pair of a batch.

    Args:
        flip: probability of a horizontal flip, and again of a vertical one.
        transpose: probability of swapping rows and columns.
        intensity: probability of a change of intensity.
        gain: range of the factor on the counts, one draw for both energies.
        balance: range of a further factor, drawn for each energy by itself (drift of one layer's air).
        offset: range of the counts added.
        saturate: reproduce the released code's 8-bit conversion: the intensity change leaves a silhouette.
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
    ) -> None:
        for name, chance in (("flip", flip), ("transpose", transpose), ("intensity", intensity)):
            if not 0.0 <= chance <= 1.0:
                raise InputError(f"augment.{name}={chance}: not a probability; give a number from 0 to 1")
        for name, span in (("gain", gain), ("balance", balance), ("offset", offset)):
            if len(span) != 2 or span[0] > span[1] or (name != "offset" and span[0] <= 0):
                raise InputError(f"augment.{name}={list(span)}: give [low, high], factors above 0")
        self.flip, self.transpose = flip, transpose
        self.intensity, self.saturate = intensity, saturate
        self.gain, self.balance, self.offset = ((low, high) for low, high in (gain, balance, offset))
        # albumentations clips float32 pixels to [0, 1] in its pixel transforms: geometry only
        steps = [A.HorizontalFlip(p=flip), A.VerticalFlip(p=flip), A.Transpose(p=transpose)]
        self._geometric = A.Compose([step for step in steps if step.p > 0])

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
        if self.intensity == 0.0:
            return planes
        count = len(planes)
        chosen = rng.random((count, 1)) < self.intensity
        gain = rng.uniform(*self.gain, (count, 1)) * rng.uniform(*self.balance, (count, 2))
        offset = np.repeat(rng.uniform(*self.offset, (count, 1)), 2, axis=1)
        drawn = [torch.from_numpy(x)[:, :, None, None] for x in (chosen, np.float32(gain), np.float32(offset))]
        return self._relit(planes, representation, *drawn)

    def on_device(self, planes: Tensor, representation: Representation, generator: torch.Generator) -> Tensor:
        """Return augmented planes (B, 4, S, S) float32 on their own device, drawn from its `generator`.

        The same changes with the same probabilities as by calling, for whole batches at once; the draws differ.
        """
        count, device = len(planes), planes.device

        def uniform(span: tuple[float, float], layers: int) -> Tensor:
            drawn = torch.rand((count, layers, 1, 1), generator=generator, device=device)
            return span[0] + (span[1] - span[0]) * drawn  # (B, layers, 1, 1)

        if self.flip > 0:
            planes = torch.where(uniform((0.0, 1.0), 1) < self.flip, planes.flip(3), planes)
            planes = torch.where(uniform((0.0, 1.0), 1) < self.flip, planes.flip(2), planes)
        if self.transpose > 0:
            planes = torch.where(uniform((0.0, 1.0), 1) < self.transpose, planes.transpose(2, 3), planes)
        if self.intensity == 0.0:
            return planes
        gain = uniform(self.gain, 1) * uniform(self.balance, 2)  # (B, 2, 1, 1)
        offset = uniform(self.offset, 1).expand(-1, 2, -1, -1)
        chosen = uniform((0.0, 1.0), 1) < self.intensity
        return self._relit(planes, representation, chosen, gain, offset)

    def _relit(
        self, planes: Tensor, representation: Representation, chosen: Tensor, gain: Tensor, offset: Tensor
    ) -> Tensor:
        if self.saturate:
            changed = silhouette(planes, offset, representation)
        else:
            changed = relight(planes, gain, offset, representation)
        return torch.where(chosen, changed, planes)
