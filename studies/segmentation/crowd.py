"""Simulated belts for studies of segmentation: rocks strewn at random to a given coverage, some in touch."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from oresort.belt.conditions import Conditions
from oresort.belt.imaging import Piece
from oresort.belt.rock import draw_lot
from oresort.belt.scan import Scan, Scene, draw_scene, expose_scene
from oresort.belt.solid import Solid, span
from oresort.belt.sorter import AXIS, BELT, COLUMNS, LINES, PIXEL, SLOPE_PER_COLUMN

_TRIALS = 60
OVERLAP = 0.03  # share of a rock's shadow that may lie on others': solids cannot, shadows under oblique rays can


def shadow(solid: Solid, column: float, row: float) -> tuple[slice, slice, NDArray[np.bool_]]:
    """Return the low layer's silhouette of a solid at a place: rows, columns, mask, within scan and belt."""
    reach = int(np.ceil(solid.reach / PIXEL)) + 2
    rows = slice(max(int(row) - reach, 0), min(int(row) + reach, LINES))
    columns = slice(max(int(column) - reach, BELT[0]), min(int(column) + reach, BELT[1]))
    x = ((np.arange(columns.start, columns.stop) - column) * PIXEL).astype(np.float32)
    y = ((np.arange(rows.start, rows.stop) - row) * PIXEL).astype(np.float32)
    bottom, top = span(solid, x, y, (column - AXIS) * SLOPE_PER_COLUMN)
    return rows, columns, top > bottom


def strew(scene: Scene, coverage: float, rng: np.random.Generator, overlap: float = OVERLAP) -> Scene:
    """Return the scene with its rocks at uniformly random places until `coverage` (0-1) of the belt is full.

    A place is refused if more than `overlap` (0-1) of the shadow lies on other shadows; rocks for which none
    of 60 places will do are left out.
    """
    taken = np.zeros((LINES, COLUMNS), np.bool_)
    wanted = coverage * LINES * (BELT[1] - BELT[0])
    placed: list[Piece] = []
    seeds = []
    for particle, seed in zip(scene.particles, scene.seeds, strict=True):
        if taken.sum() >= wanted:
            break
        for _ in range(_TRIALS):
            column, row = float(rng.uniform(*BELT)), float(rng.uniform(0, LINES))
            rows, columns, mask = shadow(particle.solid, column, row)
            if (taken[rows, columns] & mask).sum() <= overlap * mask.sum():
                taken[rows, columns] |= mask
                placed.append(replace(particle, centre=(column, row)))
                seeds.append(seed)
                break
    return replace(scene, particles=placed, seeds=seeds)


def crowded_scan(seed: int, coverage: float, kvp: float = 160.0, overlap: float = OVERLAP, **settings: float) -> Scan:
    """Simulate a scan with rocks at random on `coverage` (0-1) of the belt, taken near `kvp` kV.

    `settings` replace fields of the scan's `Settings`, such as `exposure=0.5` or `scale=1.011`.
    """
    lot_seed, scene_seed, place_seed = np.random.SeedSequence(seed).spawn(3)
    lot = draw_lot(np.random.default_rng(lot_seed), 0.5, True, 1.0)
    most = int(coverage * LINES * (BELT[1] - BELT[0]) / 900) + 1  # of the smallest rocks
    scene = draw_scene(scene_seed, most, lot, Conditions(kvp=kvp))
    changed = replace(scene.settings, **settings)  # type: ignore[arg-type]  # names are the fields'
    return expose_scene(strew(replace(scene, settings=changed), coverage, np.random.default_rng(place_seed), overlap))
