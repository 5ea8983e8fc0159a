"""`decisions.json` of a stream: what its decisions rest on, how it went, and where another process goes on."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from oresort.files.provenance import provenance
from oresort.runtime.ejecting import Ejecting
from oresort.runtime.model import Model
from oresort.runtime.settings import SortConfig
from oresort.runtime.source.event import Calibrated
from oresort.runtime.stream.cutting import Begun
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.meter import Spread
from oresort.runtime.stream.resume import Earlier
from oresort.scan.cut.summary import summary_row
from oresort.scan.fault import Fault
from oresort.sorting.drift import Compared
from oresort.sorting.point import Point

_BELTS = 1_000  # pieces or scans that are listed, the last ones
_LOOKS = ("air", "noise", "dead", "residual")
_PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


class Record:
    """Gathers what the record says; all but the last thousand belts and two thousand faults is counted only."""

    def __init__(
        self,
        cfg: SortConfig,
        model: Model,
        point: Point,
        identity: Mapping[str, Any],
        earlier: Earlier,
        ejecting: Ejecting | None,
    ) -> None:
        self._fixed = {
            **provenance(),
            "model": model.describe(),
            "settings": asdict(cfg),
            "threshold": point.threshold,
        }
        self._identity, self._earlier, self._new = dict(identity), earlier, 0
        self._ejecting = ejecting
        self._begun = deque[Begun](maxlen=_BELTS)
        self.calibrated: Calibrated | None = None
        self.faults: Sequence[Fault] = ()
        self.drift: Sequence[Compared] = ()
        self.strayed: dict[str, str] = {}  # how air did last, by layer, and what was faulty
        self.lines_lost = 0

    def begin(self, begun: Begun) -> None:
        """A piece of belt begins."""
        self._new += 1
        self._begun.append(begun)

    def summary(self) -> dict[str, Any]:
        """Return how the belt looked when it was calibrated, see `summary_row`; empty before that."""
        if self.calibrated is None:
            return {}
        row = summary_row("", 0, [], 0, self.calibrated.calibration, "")
        return {name: value for name, value in row.items() if name.partition("_")[0] in _LOOKS}

    def content(self, deciding: Deciding, rows: int, state: Mapping[str, Any], ended: str) -> dict[str, Any]:
        """Return all of it in plain values; `ended` is how, or nothing while it runs."""
        meter = deciding.meter
        known = self.calibrated.calibration if self.calibrated else None
        return {
            **self._fixed,
            "stream": {
                "ended": ended,
                "identity": self._identity,
                "belts": self._earlier.belts + self._new,
                "state": dict(state),
            },
            "particles": rows,
            "since_start": {
                "particles": meter.particles,
                "ore": deciding.counts["ore"],
                "waste": deciding.counts["waste"],
                "late": meter.late,
                **{key: count for key, count in sorted(deciding.counts.items()) if key not in ("ore", "waste")},
                "lines": deciding.lines,
                "lines_lost": self.lines_lost,
                "delay_ms": _milliseconds(meter.delays),
                "computing_ms": _milliseconds(meter.computing),
            },
            "belts": [
                {"name": begun.piece.name, "first_line": begun.piece.first, "line": begun.line} for begun in self._begun
            ],
            "calibration": known and {key: getattr(known, key) for key in ("made", "sorter", "pixel", "levels")},
            "notes": [*(self.calibrated.notes if self.calibrated else ()), *self.strayed.values()],
            "summary": self.summary(),
            "faults": [
                {
                    **{"layer": fault.layer, "kind": fault.kind, "mended": fault.mended},
                    "lines": _ends(fault.lines),
                    "columns": _ends(fault.columns),
                }
                for fault in self.faults
            ],
            "ejectors": self._ejecting.record() if self._ejecting else None,
            **deciding.told.record(),
            "drift": {known.name: known._asdict() for known in self.drift},
        }


def _milliseconds(times: Spread) -> dict[str, float | None]:
    known = {name: times.within(share) for name, share in _PERCENTILES.items()}
    found = {name: None if seconds is None else round(1_000 * seconds, 2) for name, seconds in known.items()}
    return {**found, "most": round(1_000 * times.worst, 2)}


def _ends(span: slice | None) -> list[int] | None:
    return None if span is None else [span.start, span.stop - 1]
