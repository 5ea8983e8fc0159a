"""Faulty scans, made from sound ones: each breaker takes both layers' counts and a generator, and returns two more."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FULL = 65_535


@dataclass(frozen=True)
class Belt:
    """What a breaker must know of a scan: its columns between the sides, and air in counts."""

    start: int
    stop: int
    air: int


@dataclass(frozen=True)
class Patch:
    """A rectangle of one layer or of both that shows something else: a module, a line, a lost packet."""

    kind: str
    layer: str = "both"
    lines: slice | None = None  # None: all of them
    columns: slice | None = None

    @property
    def place(self):
        """Lines and columns, to index a scan."""
        return self.lines or slice(None), self.columns or slice(None)

    def __call__(self, low, high, belt, rng):
        layers = [low.copy(), high.copy()]
        for name, counts in zip(("low", "high"), layers, strict=True):
            if self.layer in (name, "both"):
                counts[self.place] = self._shown(counts, belt, rng)
        return tuple(layers)

    def _shown(self, counts, belt, rng):
        block = counts[self.place]
        if self.kind in ("zero", "full", "air"):
            return np.full_like(block, {"zero": 0, "full": FULL, "air": belt.air}[self.kind])
        if self.kind == "floor":
            return rng.integers(60, 91, block.shape).astype(np.uint16)
        if self.kind == "frozen":  # the line before it again and again
            rows, columns = self.place
            return np.broadcast_to(counts[max((rows.start or 0) - 1, 0), columns], block.shape)
        if self.kind == "flicker":
            return np.where(rng.random(block.shape) < 0.5, block, 0).astype(np.uint16)
        if self.kind == "noise":  # nothing but: a module whose amplifier hums
            return rng.integers(0, belt.air, block.shape).astype(np.uint16)
        return scaled(block, float(self.kind.removeprefix("x")))


def scaled(counts, factor):
    """Return counts times a factor, full scale where there is no more."""
    return np.rint(counts * np.float64(factor)).clip(0, FULL).astype(np.uint16)


def on_belt(change, layer="both"):
    """Return a breaker that changes the counts between the sides alone: `change(counts, rng)`."""

    def breaker(low, high, belt, rng):
        layers = [low.copy(), high.copy()]
        for name, counts in zip(("low", "high"), layers, strict=True):
            if layer in (name, "both"):
                part = counts[:, belt.start : belt.stop]
                part[...] = change(part, rng)
        return tuple(layers)

    return breaker


def dip(factor, lines):
    """The tube's current falls or rises for a while; also a splice of the belt, thicker or thinner."""

    def change(counts, rng):
        counts = counts.copy()
        counts[lines] = scaled(counts[lines], factor)
        return counts

    return on_belt(change)


def drift(start, stop, layer="both"):
    """The tube's current goes from `start` to `stop` of its mean along the scan."""
    return on_belt(lambda counts, rng: scaled(counts, np.linspace(start, stop, len(counts))[:, None]), layer)


def slanted(factor, first, thick, rise):
    """A splice askew: `thick` lines long, its end `rise` lines later at the belt's right side than at its left."""

    def change(counts, rng):
        rows, columns = np.ogrid[: counts.shape[0], : counts.shape[1]]
        begin = first + rise * columns / counts.shape[1]
        return scaled(counts, np.where((rows >= begin) & (rows < begin + thick), factor, 1.0))

    return on_belt(change)


def noisier(share):
    """Air noise that grows by so much of air, as of a weaker tube."""

    def change(counts, rng):
        noise = share * np.sqrt(float(np.median(counts)) * counts) * rng.standard_normal(counts.shape)
        return (counts + noise).clip(0, FULL - 1).astype(np.uint16)

    return on_belt(change)


def unflat(least, most):
    """No flat field: gain by column between two bounds, smooth but for each column's own 2 %."""

    def change(counts, rng):
        width = counts.shape[1]
        gain = least + (most - least) * np.sin(np.linspace(0, np.pi, width)) + 0.02 * rng.standard_normal(width)
        return scaled(counts, gain)

    return on_belt(change)


def doubled(first, count, layer="both"):
    """A block of lines comes twice, and what follows so much later; the scan keeps its length."""

    def twice(counts):
        return np.concatenate([counts[: first + count], counts[first:-count]])

    def breaker(low, high, belt, rng):
        return (
            twice(low) if layer in ("low", "both") else low,
            twice(high) if layer in ("high", "both") else high,
        )

    return breaker


def missing(first, count, layer="both"):
    """Lines that were never written: what follows comes so much earlier; the last line is repeated at the end."""

    def without(counts, rng):
        bare = counts[: max(first, count)][-count:]
        return np.concatenate([counts[:first], counts[first + count :], bare])

    def breaker(low, high, belt, rng):
        return (
            without(low, rng) if layer in ("low", "both") else low,
            without(high, rng) if layer in ("high", "both") else high,
        )

    return breaker


def late(lines, layer="high"):
    """One layer comes some lines later than it should, with bare belt before it."""

    def breaker(low, high, belt, rng):
        def later(counts):
            bare = bare_belt((lines, counts.shape[1]), belt, rng)
            return np.concatenate([bare, counts[: len(counts) - lines]])

        return (later(low), high) if layer == "low" else (low, later(high))

    return breaker


def bare_belt(shape, belt, rng):
    """Return counts of a belt with nothing on it, full scale beside it."""
    counts = np.full(shape, FULL, np.uint16)
    size = shape[0], belt.stop - belt.start
    counts[:, belt.start : belt.stop] = belt.air * (1 + 0.026 * rng.standard_normal(size))
    return counts


def sides(value):
    """The columns beside the belt hold another constant."""

    def breaker(low, high, belt, rng):
        layers = [low.copy(), high.copy()]
        for counts in layers:
            counts[:, : belt.start] = counts[:, belt.stop :] = value
        return tuple(layers)

    return breaker


def swapped(low, high, belt, rng):
    """The layers' files exchanged."""
    return high, low


def without_high(low, high, belt, rng):
    """The high layer of an empty belt."""
    return low, bare_belt(high.shape, belt, rng)


def foreign_high(low, high, belt, rng):
    """The high layer of another scan: the same belt, other places."""
    part = high[::-1, belt.start : belt.stop]
    other = high.copy()
    other[:, belt.start : belt.stop] = np.roll(part, len(part) // 3, axis=0)
    return low, other


def twice_low(low, high, belt, rng):
    """The low layer's file given twice, once with another noise."""
    return low, noisier(0.005)(low, low, belt, rng)[1]


def inverted(low, high, belt, rng):
    """Bright is dense."""
    return FULL - low, FULL - high


def transposed(low, high, belt, rng):
    """Lines and columns exchanged: the belt runs along x."""
    return low.T.copy(), high.T.copy()


def mirrored_high(low, high, belt, rng):
    """The high layer read from the other end."""
    return low, high[:, ::-1].copy()


def upside_down(low, high, belt, rng):
    """The high layer's last line first."""
    return low, high[::-1].copy()


def bits(count):
    """Both layers in fewer bits, sides at that full scale."""
    return lambda low, high, belt, rng: tuple(counts >> (16 - count) for counts in (low, high))


def together(*breakers):
    """Several faults, one after the other."""

    def breaker(low, high, belt, rng):
        for one in breakers:
            low, high = one(low, high, belt, rng)
        return low, high

    return breaker


Breaker = Callable[..., tuple[np.ndarray, np.ndarray]]
