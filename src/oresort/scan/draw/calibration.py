"""What a calibration knows across the belt, and what registration does to particles."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.console.palette import HIGH, LOW
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.register import Registration
from oresort.scan.calibrate.resample import register
from oresort.scan.segment.particle import Particle
from oresort.xray.transmission import attenuation

_AROUND = 16  # pixels shown around a particle: more than the layers lie apart
_THIN = 0.15  # high attenuation below which the ratio is noise


def draw_profiles(calibration: Calibration, title: str = "") -> Figure:
    """Draw across the belt: air of both layers with dead columns, noise, and the layers' offset."""
    belt = calibration.belt
    columns = np.arange(belt.start, belt.stop)
    fit = calibration.registration
    figure = Figure(figsize=(9, 7), dpi=100, layout="constrained")
    air, noise, shift = figure.subplots(3, 1, sharex=True)
    for name, layer, colour in (("low", calibration.low, LOW), ("high", calibration.high, HIGH)):
        net = (layer.air - layer.dark)[belt]
        label = f"{name}: mean {layer.level:,.0f} counts"
        air.plot(columns, 100 * (net / net.mean() - 1), color=colour, lw=0.8, label=label)
        dead = np.flatnonzero(layer.dead)
        if dead.size:
            air.plot(dead, np.zeros(dead.size), "x", color=colour, label=f"{name}: {dead.size} dead columns")
        noise.plot(columns, 100 * layer.noise[belt], color=colour, label=name)
    air.set_ylabel("air, % off its mean")
    air.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, ncols=4)
    noise.set_ylabel("noise of smoothed air, %")
    noise.set_ylim(bottom=0)
    shift.axhline(0, color="grey", lw=0.6)
    if fit is None:
        shift.text(0.5, 0.7, "layers not registered", ha="center", transform=shift.transAxes)
    else:
        shift.plot(columns, fit.scale * columns + fit.column_offset - columns, color="black")
        text = f"scale {fit.scale:.5f}, centre {fit.centre:.0f}, row offset {fit.row_offset:.2f}"
        shift.text(0.02, 0.88, text, transform=shift.transAxes)
    shift.set_ylabel("high layer's offset, columns")
    shift.set_xlabel("column (pixels)")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def draw_registration(
    low: NDArray[np.uint16],
    high: NDArray[np.uint16],
    particles: Sequence[Particle],
    fit: Registration,
    air_low: float,
    air_high: float,
) -> Figure:
    """Draw l / h of a few particles before and after registration, and l against h of all their pixels.

    Shown are the particles (one or more, on `low`) at the belt's two sides and amid it, where the layers lie
    apart most and least. Layers (H, W) and their air levels are in counts.
    """
    ordered = sorted((p for p in particles if not p.clipped), key=lambda p: p.x) or list(particles)
    shown = [ordered[i] for i in sorted({0, len(ordered) // 2, len(ordered) - 1})]
    figure = Figure(figsize=(3 + 2.6 * len(shown), 6), dpi=100, layout="constrained")
    axes = figure.subplots(2, len(shown) + 1, squeeze=False)
    layers = {"as the layers came": high, "registered": register(high, fit)}
    for row, (name, layer) in zip(axes, layers.items(), strict=True):
        pooled = []
        for axis, particle in zip(row, shown, strict=False):
            top, left = max(particle.y - _AROUND, 0), max(particle.x - _AROUND, 0)
            box = slice(top, particle.y + particle.h + _AROUND), slice(left, particle.x + particle.w + _AROUND)
            l, h = attenuation(low[box], air_low), attenuation(layer[box], air_high)  # noqa: E741  # their names
            extent = (left - 0.5, left + l.shape[1] - 0.5, top + l.shape[0] - 0.5, top - 0.5)
            ratio = np.where(np.maximum(l, h) > _THIN, l / np.maximum(h, 0.05), np.nan)
            image = axis.imshow(ratio, vmin=1, vmax=2.4, cmap="viridis", extent=extent)
            rows, columns = np.nonzero(particle.mask)  # (n,) each
            inside = rows + particle.y - top, columns + particle.x - left
            pooled.append((h[inside], l[inside]))
        row[0].set_ylabel(f"{name}\nline")
        _scatter(row[-1], pooled)
    for axis, particle in zip(axes[0], shown, strict=False):
        apart = (fit.scale - 1) * (particle.x + particle.w / 2) + fit.column_offset
        axis.set_title(f"{apart:+.1f} columns, {fit.row_offset:+.2f} lines", fontsize=9)
    for axis in axes[1, :-1]:
        axis.set_xlabel("column")
    figure.colorbar(image, ax=axes[:, :-1], label="l / h", shrink=0.6, location="left")
    figure.suptitle(f"rms of l about quadratics in h: {fit.unregistered:.3f} before, {fit.residual:.3f} after")
    return figure


def _scatter(axis: Axes, pooled: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]]) -> None:
    h, l = (np.concatenate(part) for part in zip(*pooled, strict=True))  # noqa: E741  # the field's names
    axis.plot(h, l, ".", ms=1, alpha=0.3, color="black")
    wide, tall = (max(float(np.percentile(values, 99.9)), 0.5) * 1.1 for values in (h, l))
    axis.set(xlim=(-0.1, wide), ylim=(-0.1, tall), xlabel="h", ylabel="l")
    axis.yaxis.set_label_position("right")
    axis.yaxis.tick_right()
