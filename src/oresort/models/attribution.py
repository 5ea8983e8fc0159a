"""Where a model looks: Grad-CAM of every tower, and integrated gradients of every tower and energy, by captum.

Both explain the margin, the logit of ore less that of waste: what is above 0 speaks for ore. captum rather than
torchcam: it takes several inputs and a layer of several maps, so that a tower that sees both images has both maps.
"""

import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.pairnet import PairNet

Images = tuple[Tensor, Tensor]


class _Maps(nn.Module):
    """The one layer that all towers' maps pass, once a call, also where one tower sees all images."""

    def forward(self, *maps: Tensor) -> tuple[Tensor, ...]:
        return maps


class Watched(nn.Module):
    """A model whose maps can be watched: `images` for each tower in, margin (B,) out."""

    def __init__(self, net: PairNet) -> None:
        super().__init__()
        self.net, self.maps = net, _Maps()

    def forward(self, *images: Tensor) -> Tensor:
        """Return the margin (B,) of an image (B, C, S, S) for each tower, as the fusion makes them."""
        return margin(self.net.told(self.maps(*self.net.seen(images))).logits)


def margin(logits: Tensor) -> Tensor:
    """Return the logit of ore less that of waste (B,) of logits (B, 2)."""
    return logits[:, 1] - logits[:, 0]


def has_maps(net: PairNet, low: Tensor, high: Tensor) -> bool:
    """Tell whether the towers make maps of images (B, C, S, S), and not a vector alone as a tower of timm does."""
    with torch.no_grad():
        return all(maps.shape[2:].numel() > 1 for maps in net.maps(low, high))


def looked_at(net: PairNet, low: Tensor, high: Tensor) -> list[tuple[str, ...]]:
    """Return the energies that each tower's image is made of, by name, for images (B, C, S, S)."""
    given = {"low": low.detach().clone().requires_grad_(), "high": high.detach().clone().requires_grad_()}
    found = []
    for image in net.fusion.inputs(given["low"], given["high"]):
        gradients = torch.autograd.grad(image.sum(), tuple(given.values()), allow_unused=True, retain_graph=True)
        found.append(tuple(name for name, gradient in zip(given, gradients, strict=True) if gradient is not None))
    return found


def grad_cam(net: PairNet, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
    """Return the Grad-CAM map (B, H', W') of every tower's last maps, not rectified: above 0 speaks for ore.

    Selvaraju et al., ICCV 2017: the sum of all channels, each weighted by the mean of the margin's gradient.

    Raises:
        InputError: towers that make no maps, or maps that are not finite.
    """
    if not has_maps(net, low, high):
        raise InputError("the towers make vectors, no maps, so there is no Grad-CAM of them")
    with torch.no_grad():
        images = net.fusion.inputs(low, high)
    watched = Watched(net)
    # where all weights are frozen the images alone carry the gradient
    found = LayerGradCam(watched, watched.maps).attribute(tuple(image.requires_grad_() for image in images))
    maps = found if isinstance(found, tuple) else (found,)
    return tuple(_finite(m.detach().squeeze(1)) for m in maps)


def integrated_gradients(net: PairNet, images: Images, empty: Images, steps: int) -> tuple[Tensor, Tensor]:
    """Return integrated gradients (B, T, E, S, S) of T towers and E energies, and what they leave out (B,).

    Every tower has the energies to itself, and all go together from `empty` to `images`, (B, C, S, S) each: so all
    parts add up to the margin's change, but for the error of `steps`. Energies are those that the fusion looks at.
    Sundararajan, Taly and Yan, ICML 2017.

    Raises:
        InputError: values that are not finite.
    """
    towers, names = len(net.dims), net.fusion.energies
    watched = Watched(net)

    def answer(*given: Tensor) -> Tensor:
        own = [dict(zip(names, given[t * len(names) :], strict=False)) for t in range(towers)]
        pairs = [(energies.get("low", given[0]), energies.get("high", given[0])) for energies in own]
        found: Tensor = watched(*(net.fusion.inputs(*pair)[tower] for tower, pair in enumerate(pairs)))
        # what a tower does not look at has a gradient, too: 0
        return found + 0 * torch.stack([image.flatten(1).sum(1) for image in given]).sum(0)

    both, bare = (dict(zip(("low", "high"), pair, strict=True)) for pair in (images, empty))
    given = tuple(both[name] for name in names) * towers
    baselines = tuple(bare[name] for name in names) * towers
    size = len(images[0])
    found, error = IntegratedGradients(answer).attribute(
        given, baselines, n_steps=steps, internal_batch_size=size, return_convergence_delta=True
    )
    parts = torch.stack([part.detach().sum(1) for part in found], 1)  # (B, T * E, S, S)
    return _finite(parts.reshape(-1, towers, len(names), *parts.shape[2:])), error.detach()


def _finite(maps: Tensor) -> Tensor:
    if not bool(torch.isfinite(maps).all()):
        raise InputError("the model's gradients are not finite, so nothing says where it looks; train it again")
    return maps
