"""A plant with round figures: lines of 1 mm and 1 ms, pixels of 1 mm, nozzles of 10 mm, 500 ms to the valves."""

from typing import Any

from oresort.sorting.ejectors.settings import Ejectors

ROUND: dict[str, Any] = {
    **{"pixel": 1.0, "belt_speed": 1.0, "line_rate": 1_000.0, "distance": 500.0},
    **{"nozzles": 10, "nozzle_pitch": 10.0, "first_nozzle": 5.0},
    **{"open_delay": 8.0, "close_delay": 6.0, "travel": 2.0, "shortest_pulse": 5.0, "speed_jitter": 0.0},
    **{"margin": 1.0, "dilation": 0.0, "lead": 1.0},
}


def plant(**changed: Any) -> Ejectors:
    """The round plant with some keys changed."""
    return Ejectors(**ROUND | changed)
