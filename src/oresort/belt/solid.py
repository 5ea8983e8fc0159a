"""Irregular solids: broken rock as a rough convex body with true thickness along oblique rays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.fields import Fields, draw_fields, evaluate

_FACETS = 16  # fracture planes besides the six of the bounding box; about a dozen of them show


@dataclass(frozen=True)
class Solid:
    """Intersection of half-spaces normals (F, 3) . (x, y, z) <= offsets (F,), in mm about its centre; z is up.

    `warp` are fields that shift the projection in x and y by `roughness` mm (one standard deviation), which
    roughens outline and faces alike.
    """

    normals: NDArray[np.float32]
    offsets: NDArray[np.float32]
    warp: Fields
    roughness: float
    reach: float  # mm: in the belt plane the solid's shadow, under rays up to 45 degrees, stays within it


def draw_solid(rng: np.random.Generator, width: float, aspect: float, flatness: float) -> Solid:
    """Draw a solid `width` mm wide, `aspect` times as long and `flatness` times as thick, at a random turn.

    It lies on a flat face, as broken rock does.
    """
    half = np.array([width * aspect, width, width * flatness]) / 2
    box = np.concatenate([np.eye(3), -np.eye(3)]) + rng.normal(0, 0.2, (6, 3))
    box[5] = (0.0, 0.0, -1.0)  # the face it lies on
    normals = np.concatenate([box, rng.standard_normal((_FACETS, 3))])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    offsets = np.concatenate([np.ones(6), rng.uniform(0.70, 1.15, _FACETS)])  # (F,), of a body of half-width 1
    yaw = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    world = (normals / half) @ turn.T  # (F, 3): planes of a stretched body divide by the stretch
    roughness = float(width * rng.uniform(0.01, 0.035))
    reach = float(1.5 * np.hypot(half[0], half[1]) + half[2] + 3 * roughness)
    warp = draw_fields(rng, 2, reach, width / 6)
    return Solid(world.astype(np.float32), offsets.astype(np.float32), warp, roughness, reach)


def span(
    solid: Solid, x: NDArray[np.float32], y: NDArray[np.float32], slope: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return where rays enter and leave: bottom and top height (H, W) in mm, top < bottom where they miss.

    A ray passes the belt-plane point (x, y) at z = 0 and drifts `slope` mm in x per mm of height. Heights are along z:
    the path is their difference times sqrt(1 + slope^2), while the difference itself, summed over the grid, is the
    volume whatever the slope (a shear keeps volumes).
    """
    warp = np.float32(solid.roughness) * evaluate(solid.warp, x, y)
    points = np.ones((3, len(y), len(x)), dtype=np.float32)
    points[0], points[1] = warp[0] + x[None, :], warp[1] + y[:, None]
    # at height z a ray is at x + slope z: a plane bounds z from above where this is positive, else from below
    climb = solid.normals[:, 2] + slope * solid.normals[:, 0]
    climb = np.where(np.abs(climb) < 1e-4, 1e-4, climb)  # a wall: hit or missed, never divided by 0
    planes = np.stack([-solid.normals[:, 0], -solid.normals[:, 1], solid.offsets], axis=1) / climb[:, None]  # (F, 3)
    heights = planes.astype(np.float32) @ points.reshape(3, -1)  # (F, H * W)
    top, bottom = heights[climb > 0].min(axis=0), heights[climb < 0].max(axis=0)  # (H * W,)
    return bottom.reshape(points.shape[1:]), top.reshape(points.shape[1:])
