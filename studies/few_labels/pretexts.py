"""Pretexts that were tried and not kept; the study names them by `ways=[two views,known quantities]`."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oresort.learn.pretext import Pretext
from oresort.models.pairnet import PairNet

WIDTH = 96  # of the projection of two views


def _width(net: PairNet, channels: int, size: int) -> int:
    training = net.training
    blank = torch.zeros(1, channels, size, size)
    with torch.no_grad():
        vectors = net.eval().parts(blank, blank).vectors
    net.train(training)
    return sum(vector.shape[1] for vector in vectors)


class TwoViews(Pretext):
    """Two views of a particle (gain, noise, erased blocks) are to have one vector: VICReg (arXiv:2105.04906)."""

    def __init__(self, net: PairNet, channels: int, size: int) -> None:
        super().__init__()
        first = nn.Linear(_width(net, channels, size), WIDTH)
        self.project = nn.Sequential(first, nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))

    def forward(self, net: PairNet, low: Tensor, high: Tensor, draw: torch.Generator) -> Tensor:
        """Return the loss, a scalar, of images (B, C, S, S) each."""
        one, two = (self.project(torch.cat(net.parts(*_view(low, high, draw)).vectors, 1)) for _ in range(2))
        spread = sum((F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean() for z in (one, two)), torch.zeros(()))
        return 25 * F.mse_loss(one, two) + 25 * spread + _shared(one) + _shared(two)


def _view(low: Tensor, high: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    kept = (torch.rand((len(low), 1, 5, 5), generator=draw) >= 0.2).float()
    kept = F.interpolate(kept, low.shape[-2:])  # (B, 1, S, S)
    views = []
    for image in (low, high):
        cover = (image > 0).float()
        gain = 0.03 * (2 * torch.rand((len(image), 1, 1, 1), generator=draw) - 1)  # of the counts: a shift of the log
        views.append((image + cover * (gain + 0.03 * torch.randn(image.shape, generator=draw))) * kept)
    return views[0], views[1]


def _shared(z: Tensor) -> Tensor:
    z = z - z.mean(0)
    covariance = z.T @ z / (len(z) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / z.shape[1]


class KnownQuantities(Pretext):
    """The vector is to tell, linearly, what physics knows without labels: levels, spreads and quantiles of l, h and R.

    They are scaled by the deviations of the batch; r = l - c h with c of the batch stands for R at thickness.
    """

    def __init__(self, net: PairNet, channels: int, size: int) -> None:
        super().__init__()
        blank = torch.rand(4, channels, size, size)
        self.tell = nn.Linear(_width(net, channels, size), _quantities(blank, blank).shape[1])

    def forward(self, net: PairNet, low: Tensor, high: Tensor, draw: torch.Generator) -> Tensor:
        """Return the loss, a scalar, of images (B, C, S, S) each."""
        wanted = _quantities(low, high)
        wanted = ((wanted - wanted.mean(0)) / wanted.std(0).clamp_min(1e-6)).clamp(-4, 4)
        return F.smooth_l1_loss(self.tell(torch.cat(net.parts(low, high).vectors, 1)), wanted)


@torch.no_grad()
def _quantities(low: Tensor, high: Tensor) -> Tensor:
    """Return (B, 25) numbers of images (B, C, S, S), the first channel attenuations that are 0 off the particle."""
    lows, highs = low[:, 0].flatten(1), high[:, 0].flatten(1)  # (B, S * S)
    cover = (lows > 0) & (highs > 0)
    r = (lows - highs * (lows * highs).sum() / highs.square().sum().clamp_min(1e-6)) * cover
    count = cover.sum(1).clamp_min(1)
    found = [count / cover.shape[1]]
    for values in (lows, highs, r):
        mean = (values * cover).sum(1) / count
        found += [mean, (((values - mean[:, None]) ** 2 * cover).sum(1) / count).sqrt()]
        inside = values.masked_fill(~cover, float("nan"))
        found += list(inside.nanquantile(torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95, 0.99]), dim=1).nan_to_num())
    return torch.stack(found, 1)
