"""One pair as a row of pictures at its own shape: both layers, what composition adds, and the maps."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.classic.base import Curve
from oresort.represent.geometry import Canvas, Resize

if TYPE_CHECKING:
    from oresort.learn.look.crops import Crop
    from oresort.learn.look.maps import Kind

Image = NDArray[np.float32]

_SPAN = 0.3  # attenuation: what the colours of r span to either side
_SMOOTHING = 1.5  # pixels


def pair_figure(
    crop: "Crop", maps: "dict[Kind, Image]", geometry: Canvas | Resize, rock: Curve, called: bool, title: str
) -> Figure:
    """Draw l, h, r = l - f(h) with f of ordinary `rock`, and each map, all as the detector saw the particle.

    Maps are toward ore: red speaks for ore, blue for waste. On l, h and r lies, in cyan, what has at least half of the
    first map's greatest relevance for the decision, `called` ore or not. The outline of the low layer is drawn into
    each, that of the high layer, which may lie elsewhere, dashed.
    """
    pixels = crop.pixels
    residual = pixels.low - rock(pixels.high)
    count = 3 + len(maps)
    height, width = crop.shape
    figure = Figure(figsize=(1.75 * count, 1.55 * height / width + 0.75), dpi=110, layout="constrained")
    panels = figure.subplots(1, count)
    low, high = (np.where(mask, image, np.nan) for mask, image in zip(crop.masks, pixels[:2], strict=True))
    top = float(np.nanmax([np.nanmax(low), np.nanmax(high), 0.1]))
    for axes, image, name in zip(panels, (low, high), ("l, low energy", "h, high energy"), strict=False):
        axes.imshow(image, cmap="magma", vmin=0, vmax=top)
        axes.set_title(name, fontsize=8)
    panels[2].imshow(np.where(pixels.mask, residual, np.nan), cmap="PuOr_r", vmin=-_SPAN, vmax=_SPAN)
    panels[2].set_title("r = l - f(h)", fontsize=8)
    for axes, (kind, values) in zip(panels[3:], maps.items(), strict=True):
        seen = _crop(geometry.back(values, crop.shape), crop.shape)
        limit = float(np.abs(seen).max()) or 1.0
        axes.imshow(seen, cmap="RdBu_r", norm=TwoSlopeNorm(0.0, -limit, limit))
        axes.set_title(kind.name.replace(", ", "\n", 1), fontsize=7)
    first = _crop(geometry.back(next(iter(maps.values())), crop.shape), crop.shape)
    for axes in panels[:3]:
        _relevant(axes, first if called else -first)
    for axes in panels:
        _outlined(axes, crop)
    figure.suptitle(title, fontsize=8, parse_math=False)  # a name may hold a dollar sign
    return figure


def _crop(framed: Image, shape: tuple[int, int]) -> Image:
    top, left = ((side - own) // 2 for side, own in zip(framed.shape, shape, strict=True))
    return framed[top : top + shape[0], left : left + shape[1]]


def _relevant(axes: Axes, toward: Image) -> None:
    smooth = cv2.GaussianBlur(toward, (0, 0), _SMOOTHING)  # gradients are specks
    if (most := float(smooth.max())) > 0:
        axes.contour(smooth, [most / 2], colors="cyan", linewidths=1.0)


def _outlined(axes: Axes, crop: "Crop") -> None:
    for mask, style in zip(crop.masks, ("solid", "dashed"), strict=True):
        padded = np.pad(mask.astype(float), 1)  # a particle ends where its crop does
        x, y = (np.arange(side) - 1 for side in padded.shape[::-1])
        axes.contour(x, y, padded, [0.5], colors="black", linewidths=0.6, linestyles=style)
    axes.set_axis_off()
