"""The table of faulty scans, and what may become of each."""

from dataclasses import dataclass, field

import numpy as np
from breaking import (
    Belt,
    Breaker,
    Patch,
    bits,
    dip,
    doubled,
    drift,
    foreign_high,
    inverted,
    late,
    mirrored_high,
    missing,
    noisier,
    sides,
    slanted,
    swapped,
    together,
    transposed,
    twice_low,
    unflat,
    upside_down,
    without_high,
)

LAYERS = ("low", "high", "both")


@dataclass(frozen=True)
class Variant:
    """One faulty scan. `own` and `given`: what may become of it calibrated by itself, or by the sound scan's.

    right: as the sound scan's. named: right, or flagged and named, not refused. refused: that alone. any: not silent.
    """

    name: str
    breaker: Breaker = field(repr=False)
    own: str = "named"
    given: str = "named"
    words: str = "."  # that a refusal must say
    slack: float = 1.0  # times the judge's tolerances: noise moves rims
    moved: tuple[int, int] = (0, 0)  # from this line on, particles lie so many lines later
    patch: Patch | None = None  # where a fault must be named, and what lies far from it be left alone


@dataclass(frozen=True)
class Scene:
    """What the table must know of a scan."""

    belt: Belt
    height: int
    module: int  # columns of a detector module
    column: int  # amid a particle
    line: int  # amid the same particle


def patches(scene):
    """Return variants in which a rectangle shows something else, three together: one for each layer, and both."""
    belt, height, module, amid = scene.belt, scene.height, scene.module, scene.column
    found = []

    def add(name, kind, lines=None, columns=None, **allowed):
        for layer in LAYERS:
            patch = Patch(kind, layer, lines, columns)
            # a gain that changes need not be named where nothing comes of it
            named = None if kind.startswith("x") else patch
            found.append(Variant(f"{name}_{layer}", patch, patch=named, **allowed))

    for width in (1, 2, 5, 6, 16, 64, 128, 300):
        start = max(belt.start, min(amid - width // 2, belt.stop - width))
        for kind in ("zero", "floor", "air", "full", "frozen", "flicker", "noise"):
            add(f"columns{width}_{kind}", kind, None, slice(start, start + width))
    for width in (1, 6, module):
        for kind in ("zero", "air", "frozen"):
            add(f"left{width}_{kind}", kind, None, slice(belt.start, belt.start + width))
            add(f"right{width}_{kind}", kind, None, slice(belt.stop - width, belt.stop))
    across = slice(amid - module // 2, amid - module // 2 + module)
    for share in (0.3, 0.5, 0.8):
        for kind in ("zero", "air", "full", "frozen", "flicker", "noise", "x0.7", "x0.9"):
            add(f"dies{share}_{kind}", kind, slice(int(share * height), height), across)
    for count in (1, 2, 3, 10, 30):
        lines = slice(scene.line, scene.line + count)
        for kind in ("zero", "full", "frozen", "floor", "noise"):
            add(f"lines{count}_{kind}", kind, lines)
            add(f"belt{count}_{kind}", kind, lines, slice(belt.start, belt.stop))
    for count in (1, 2, 4, 12):
        lines = slice(scene.line, scene.line + count)
        for kind in ("zero", "full", "frozen"):
            add(f"packet{count}_{kind}", kind, lines, slice(amid - 2 * module, amid + 2 * module))
            add(f"half{count}_{kind}", kind, lines, slice(belt.start, (belt.start + belt.stop) // 2))
    for count in (1, 3):
        for kind in ("zero", "full", "air"):
            add(f"first{count}_{kind}", kind, slice(0, count))
            add(f"last{count}_{kind}", kind, slice(height - count, height))
    return found


def courses(scene):
    """Return variants in which level, noise or lines of a whole scan change."""
    line, module, amid = scene.line, scene.module, scene.column
    found = []
    across = slice(amid - module // 2, amid - module // 2 + module)
    for layer in LAYERS:
        for gain in (0.7, 1.1):
            found.append(
                Variant(f"gain{gain}_{layer}", Patch(f"x{gain}", layer, None, across), own="right", given="any")
            )
        for name, span in (("down", (1.1, 0.9)), ("up", (0.75, 1.1)), ("little", (1.02, 0.98))):
            found.append(Variant(f"drift_{name}_{layer}", drift(*span, layer)))
        for count in (1, 5, 20):
            # a line more or less lies within what registration may be off
            slack = 2.0 if count == 1 else 1.0
            down, up = ((0, 0), (0, 0)) if layer == "high" else ((line - 10, count), (line - 10, -count))
            found.append(
                Variant(
                    f"doubled{count}_{layer}", doubled(line - 10, count, layer), "any", "any", moved=down, slack=slack
                )
            )
            if layer != "both":  # a line that nobody ever wrote leaves no trace
                found.append(
                    Variant(
                        f"missing{count}_{layer}", missing(line - 10, count, layer), "any", "any", moved=up, slack=slack
                    )
                )
    for factor in (0.95, 0.9, 0.7, 0.5, 1.1):
        for count in (1, 5, 40):
            found.append(Variant(f"dip{count}_x{factor}", dip(factor, slice(line, line + count))))
    for factor in (0.75, 0.83, 0.9, 1.1):
        found.append(Variant(f"splice_x{factor}", dip(factor, slice(line - 20, line + 60))))
        found.append(Variant(f"slanted_x{factor}", slanted(factor, line - 40, 40, 30)))
    found.append(Variant("trip30", together(dip(0.03, slice(line, line + 30)), dip(0.5, slice(line - 2, line)))))
    found.append(Variant("noise_x2", noisier(0.045), slack=2))
    found.append(Variant("noise_x4", noisier(0.1), slack=3))
    found.append(Variant("unflat", unflat(0.7, 1.1), own="right", given="any"))
    for count in (1, 3, 8, 20, 30, 60):
        for layer in ("low", "high"):
            moved = 0, count if layer == "low" else 0
            found.append(
                Variant(
                    f"late{count}_{layer}",
                    late(count, layer),
                    "any",
                    "any",
                    moved=moved,
                    slack=2.0 if count == 1 else 1.0,
                )
            )
    return found


def mistakes(scene):
    """Return variants of what people do to files: exchanged, turned, mixed up, exported otherwise."""
    found = []
    for name, breaker, words in (
        ("swapped", swapped, "exchange"),
        ("without_high", without_high, "same particles|not show|no particles"),
        ("foreign_high", foreign_high, "same particles|not show"),
        ("twice_low", twice_low, "no more than high"),
        ("inverted", inverted, "nvert"),
        ("transposed", transposed, "turn|rotat|transpos|along"),
        ("mirrored_high", mirrored_high, "same particles|mirror|side"),
        ("upside_down", upside_down, "same particles"),
    ):
        found.append(Variant(name, breaker, "refused", "refused", words=words + "|columns but the calibration"))
    found += [
        Variant(f"sides_{value}", sides(value), own="right", given="right") for value in (0, 1, 4_095, 16_383, 30_000)
    ]
    found += [Variant(f"bits{count}", bits(count), own="right", given="any") for count in (12, 14)]
    return found


def mixtures(scene, count, seed=0):
    """Return so many variants of two rectangles each, drawn from `patches`."""
    table, rng = patches(scene), np.random.default_rng(seed)
    found = []
    for _ in range(count):
        one, other = (table[k] for k in rng.choice(len(table), 2, replace=False))
        found.append(Variant(f"{one.name}+{other.name}", together(one.breaker, other.breaker), "any", "any"))
    return found


def some(table, share, seed=0):
    """Return a share of variants: the same ones at every run."""
    keep = np.random.default_rng(seed).random(len(table)) < share
    return [variant for variant, kept in zip(table, keep, strict=True) if kept]


def drawn(table, share, seed=0):
    """Return a share of variants, of each three one layer only: the same ones at every run."""
    rng = np.random.default_rng(seed)
    keep = np.flatnonzero(rng.random(len(table) // len(LAYERS)) < share)
    return [table[len(LAYERS) * group + int(rng.integers(len(LAYERS)))] for group in keep]
