"""A plant's row of nozzles: where it is, how fast belt and valves are, from one yaml."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from oresort.console.check import check
from oresort.console.ranges import number, one_of, share, whole
from oresort.errors import InputError
from oresort.sorting.plant import read_plant

EXAMPLE = Path(__file__).with_name("plant.yaml")
"""A plant's file to copy: every key with its meaning, and nothing where only the plant knows."""

_MEND = f"{EXAMPLE} has every key with its meaning"
_MS = 1_000  # ms in a second, and mm in a metre
_QUICKEST = 0.05  # ms
_OF_VALVES = ("open_delay", "close_delay", "shortest_pulse", "longest_pulse")
_SKEW = 50  # times that a line may be longer on the belt than a pixel is wide, or shorter: beyond it a unit is wrong


@dataclass(frozen=True)
class Ejectors:
    """Positions in mm, times in ms as in data sheets; `plant.yaml` beside this file explains each key and its default.

    InputError where the keys contradict each other.
    """

    pixel: Annotated[float, number(0, 100, above=True)]
    belt_speed: Annotated[float, number(0, 20, above=True)]
    line_rate: Annotated[float, number(0, 1e6, above=True)]
    distance: Annotated[float, number(0, 1e5, above=True)]
    nozzles: Annotated[int, whole(1, 10_000)]
    nozzle_pitch: Annotated[float, number(0, 1_000, above=True)]
    first_nozzle: Annotated[float, number(-1e4, 1e4)]
    open_delay: Annotated[float, number(0, 1_000)]
    close_delay: Annotated[float, number(0, 1_000)]
    travel: Annotated[float, number(0, 1_000)]
    shortest_pulse: Annotated[float, number(0, 10_000)]
    speed_jitter: Annotated[float, number(0, 0.5)]
    longest_pulse: Annotated[float | None, number(0, 1e6, above=True)] = None
    shortest_gap: Annotated[float | None, number(0, 10_000)] = None
    margin: Annotated[float, number(0, 1_000)] = 1.0
    dilation: Annotated[float, number(0, 1_000)] = 1.0
    lead: Annotated[float, number(0, 10_000)] = 1.0
    blown: Annotated[str, one_of("waste", "ore")] = "waste"
    direct_hit: Annotated[float, share()] = 0.95
    true_ore_rate: Annotated[float | None, share()] = None
    false_ore_rate: Annotated[float | None, share()] = None

    def __post_init__(self) -> None:
        check(self)
        for key in _OF_VALVES:
            if 0 < (getattr(self, key) or 0) < _QUICKEST:
                raise InputError(f"{key}={getattr(self, key):g}: no valve is so quick; give it in ms")
        if self.nozzle_pitch < self.pixel:
            raise InputError(
                f"nozzle_pitch={self.nozzle_pitch:g}: less than a pixel of {self.pixel:g} mm; give it in mm"
            )
        if self.longest_pulse is not None and self.longest_pulse < self.shortest_pulse:
            raise InputError(
                f"longest_pulse={self.longest_pulse:g}: shorter than shortest_pulse={self.shortest_pulse:g}; "
                "see the valve's data sheet"
            )
        if not 1 / _SKEW <= self.line_pitch / self.pixel <= _SKEW:
            raise InputError(
                f"belt_speed={self.belt_speed:g}, line_rate={self.line_rate:g}: a line is {self.line_pitch:.3g} mm of "
                f"belt, with pixel={self.pixel:g} mm; one of them is in another unit"
            )
        if self.true_ore_rate is None or self.false_ore_rate is None:
            if self.true_ore_rate != self.false_ore_rate:
                raise InputError("true_ore_rate, false_ore_rate: only one is given; give both, or leave out both")
        elif self.true_ore_rate < self.false_ore_rate:
            raise InputError(
                f"true_ore_rate={self.true_ore_rate:g}: of waste more is called ore, false_ore_rate="
                f"{self.false_ore_rate:g}; exchange them"
            )

    @property
    def line_pitch(self) -> float:
        """Mm of belt from line to line."""
        return self.belt_speed * _MS / self.line_rate

    @property
    def soonest(self) -> float:
        """Seconds from detector to valves at the fastest belt that `speed_jitter` allows."""
        return self.distance / _MS / (self.belt_speed * (1 + self.speed_jitter))

    @property
    def latest(self) -> float:
        """Seconds from detector to valves at the slowest belt."""
        return self.distance / _MS / (self.belt_speed * (1 - self.speed_jitter))

    @property
    def before(self) -> float:
        """Seconds from the command to open to full air on the particle, with the margin."""
        return (self.open_delay + self.travel + self.margin) / _MS

    @property
    def gap(self) -> float:
        """Seconds that a valve must be told to be shut before it can open anew."""
        return (self.close_delay if self.shortest_gap is None else self.shortest_gap) / _MS

    @property
    def overblown(self) -> float:
        """Seconds for which a nozzle blows before and after its particle: margins, jitter and the valve's closing."""
        return (2 * self.margin + self.close_delay) / _MS + self.latest - self.soonest

    def check_pixel(self, pixel: float | None) -> None:
        """Refuse another size of pixels (mm) than the plant's, where that is known from elsewhere.

        Raises:
            InputError: they differ by more than 1 %.
        """
        if pixel is not None and abs(pixel / self.pixel - 1) > 0.01:
            raise InputError(
                f"pixel={self.pixel:g} of the ejectors: sort has pixel={pixel:g}, of the command or the calibration; "
                "give the same"
            )

    def over(self, columns: int) -> int:
        """Return how many nozzles' stripes reach into a scan of so many columns."""
        last = (columns * self.pixel - self.first_nozzle) / self.nozzle_pitch + 0.5
        first = -self.first_nozzle / self.nozzle_pitch - 0.5
        return max(min(math.ceil(last), self.nozzles) - max(math.floor(first) + 1, 0), 0)

    def check_columns(self, columns: int) -> None:
        """Refuse a scan of so many columns that lies beside all nozzles.

        Raises:
            InputError: it does.
        """
        if not self.over(columns):
            raise InputError(
                f"first_nozzle={self.first_nozzle:g}: all nozzles lie beside the scan, whose {columns} columns take "
                f"{columns * self.pixel:.0f} mm; see to first_nozzle and pixel"
            )

    def check_time(self, lookahead: int) -> None:
        """Refuse a plant where nothing could be decided in time.

        Args:
            lookahead: lines after a particle's last one until it is decided at the latest.

        Raises:
            InputError: the belt has reached the valves, less what they need, when its particles are decided.
        """
        left = self.soonest - self.before - self.lead / _MS - (lookahead + 1) / self.line_rate
        if left < 0:
            raise InputError(
                f"distance={self.distance:g}: the belt is at the valves after {self.soonest * _MS:.1f} ms, decision "
                f"and valves need {(self.soonest - left) * _MS:.1f} ms; see to distance, belt_speed, line_rate, delays"
            )


def load_ejectors(path: str | Path) -> Ejectors:
    """Read a plant's yaml.

    Raises:
        InputError: no such file, a key that is unknown, missing, or of a wrong type or range, keys that contradict
            each other.
    """
    return read_plant(Path(path), Ejectors, _MEND)
