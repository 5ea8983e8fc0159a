"""A model's two outputs read as a grade with its uncertainty, and as ore and waste at any cut-off."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAST = 1e-6
"""wt %: the smallest grade or cut-off that means anything, 0.01 g/t."""

_SCALE = math.sqrt(3) / math.pi  # of a logistic distribution of deviation 1
_REACH = 5.0  # of the logarithm of the scale, either way: no pair can make the loss blow up


class GradeReading(nn.Module):
    """Reads outputs (B, 2) as the logistic distribution of ln(grade): its mean and the logarithm of its scale.

    A logistic distribution has somewhat heavier tails than a Gaussian of its deviation, and its share above a cut-off
    is the sigmoid of (mean - ln cut-off) / scale: exactly what two logits of waste and ore mean. A temperature divides
    them, which is to widen the distribution. `center` and `spread` are mean and deviation of the training pairs'
    ln(grade), by which outputs near 0 mean what is known without a look; `cutoff` is a logarithm, too.
    """

    center: Tensor
    spread: Tensor
    cutoff: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("center", "spread", "cutoff"):  # buffers: they travel with the weights
            self.register_buffer(name, torch.tensor(float(name == "spread")))

    @property
    def percent(self) -> float:
        """From which grade on, wt %, a particle is ore."""
        return float(f"{math.exp(float(self.cutoff)):.6g}")

    def forward(self, outputs: Tensor) -> Tensor:
        """Return logits (B, 2) of waste and ore at the cut-off."""
        mean, scale = self.distribution(outputs)
        margin = (mean - self.cutoff) / scale  # (B,)
        return torch.stack([torch.zeros_like(margin), margin], dim=1)

    def distribution(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean (B,) and scale (B,) of ln(grade in wt %)."""
        outputs = outputs.float()
        scale = self.spread * _SCALE * outputs[:, 1].clamp(-_REACH, _REACH).exp()
        return self.center + self.spread * outputs[:, 0], scale

    def losses(self, outputs: Tensor, log_grade: Tensor) -> Tensor:
        """Return minus the log likelihood (B,) of ln(grade) (B,), in units of the spread."""
        mean, scale = self.distribution(outputs)
        far = (log_grade - mean) / scale
        return torch.log(scale / self.spread) + F.softplus(far) + F.softplus(-far)
