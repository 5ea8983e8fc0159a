"""The sound scans that faults are put into: half-ellipsoids in a magnified high layer, and the real scan 38."""

from breaking import Belt
from scan.ellipses import AIR, scan_of
from variants import Scene

SCALE, OFFSET, ROWS = 1.0075, -2.5, 0.27
ELLIPSES = [
    (100, 60, 30, 22), (300, 130, 35, 25), (520, 70, 25, 30), (650, 180, 40, 22), (180, 260, 28, 28),
    (420, 300, 30, 26), (700, 330, 30, 20), (300, 360, 20, 25),
]  # fmt: skip
BELT = Belt(40, 760, round(AIR))
SCENE = Scene(BELT, height=400, module=64, column=300, line=130)
SIZE = {"height": 400, "width": 800, "beside": 40}


def layers(ellipses=ELLIPSES, seed=0, noise=0.026, **size):
    """Return both layers' counts of ellipses (x, y, semi-axes) as the low layer sees them."""
    high = [(SCALE * x + OFFSET, y + ROWS, SCALE * a, b) for x, y, a, b in ellipses]
    size = {**SIZE, **size}
    return (
        scan_of(ellipses, noise=noise, seed=seed, **size),
        scan_of(high, peak=0.9, noise=noise, seed=seed + 1000, **size),
    )
