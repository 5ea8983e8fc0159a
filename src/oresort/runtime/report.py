"""What `sort` prints: decisions, calibration, faults, and warnings once each."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pandas as pd

from oresort.console.show import show
from oresort.runtime.belt import SortedBelt
from oresort.runtime.model import Model
from oresort.runtime.settings import SortConfig
from oresort.sorting.table import Placed

_MOST = 10  # belts or faults of which a table shows a row each
_SHOWN = (
    *("scan", "lines", "lines_lost", "air_low", "air_high", "noise_low", "noise_high", "dead_low", "dead_high"),
    *("scale", "row_offset", "residual", "registration"),
)
_WRONG = {
    "faulty": "touch what the scan does not show, or their layers do not agree",
    "clipped": "reach the border of the scan, so a part of them may be missing",
    "touching": "look like several in touch",
}
_FEW = 4  # particles up to which one fault may touch half of a scan's
_DONE = {"keep": "kept", "drop": "dropped", "decide": "decided on as they are"}


def show_sorted(cfg: SortConfig, model: Model, threshold: float, belts: Sequence[SortedBelt]) -> None:
    """Print tables of decisions and calibration to stdout, and every warning to stderr."""
    rows = [row for belt in belts for row in belt.rows]
    table = [
        {
            "decision": word,
            "particles": sum(row.decision == word for row in rows),
            "by policy": sum(row.decision == word and row.reason != "threshold" for row in rows),
        }
        for word in ("ore", "waste")
    ]
    name = cfg.scans or cfg.low
    show(pd.DataFrame(table), f"{name}: {len(rows)} particles at threshold {threshold:.3f}")
    summaries = pd.DataFrame([belt.summary for belt in belts])
    shown = summaries[[name for name in _SHOWN if name in summaries]].head(_MOST)
    more = f" (the first {_MOST} of {len(belts)})" if len(belts) > _MOST else ""
    show(shown.fillna(""), f"as measured{more}")
    _show_faults(belts)
    for warning in _warnings(cfg, model, belts):
        print(f"warning: {warning}", file=sys.stderr)


_TOLD = {  # figures of the nozzles
    "blown": "particles to be blown out",
    "kept": "others",
    "struck": "of these, hit by air for another one",
    "beside": "nozzles beside the scan",
    "windows": "windows of all nozzles",
    "most_cycles": "most of one nozzle in a second",
    "air_share": "share of the time with air (%)",
    "kappa": "others hit, if particles lay at random (%)",
    "recovery": "expected share of ore kept (%)",
    "rejection": "expected share of waste thrown out (%)",
}
_MISSED = {
    "late": "are decided too late for their valves, and not blown out; see to distance, lead, or a slower belt",
    "unreached": "reach beyond the nozzles; see first_nozzle, nozzles and pixel",
    "cut": "are blown in part only, the valve cannot stay open so long; see longest_pulse",
}


def show_ejections(figures: Mapping[str, Any]) -> None:
    """Print what the nozzles do to stdout, and what they miss to stderr."""
    table = [
        {"nozzles": words, "": f"{100 * figures[key]:.2f}" if words.endswith("(%)") else f"{figures[key]:,}"}
        for key, words in _TOLD.items()
        if figures[key] is not None
    ]
    show(pd.DataFrame(table), f"{figures['plant']['nozzles']} nozzles")
    for key, words in _MISSED.items():
        if figures[key]:
            print(f"warning: {figures[key]:,} of {figures['blown']:,} particles {words}", file=sys.stderr)
    nozzles = figures["plant"]["nozzles"]
    if figures["beside"] and 2 * figures["beside"] > nozzles:
        words = f"{figures['beside']:,} of {nozzles:,} nozzles lie beside the scan"
        print(f"warning: {words}; see nozzle_pitch, first_nozzle and pixel", file=sys.stderr)
    if figures["recovery"] is None:
        print("what becomes of ore and waste is not known: the file has no true_ore_rate, false_ore_rate")


def _show_faults(belts: Sequence[SortedBelt]) -> None:
    found = [(scan or belt.files.name, fault) for belt in belts for scan, fault in belt.faults_by_scan()]
    # what could not be mended first, then what is largest
    found.sort(key=lambda entry: (entry[1].mended, -_size(entry[1].columns) * _size(entry[1].lines)))
    if found:
        table = [
            {
                **{"scan": scan, "layer": fault.layer, "kind": fault.kind},
                "lines": _text(fault.lines),
                "columns": _text(fault.columns),
                "mended": "yes" if fault.mended else "no: particles that touch it are faulty",
            }
            for scan, fault in found[:_MOST]
        ]
        more = f", of which {_MOST} are shown; decisions.json has them all" if len(found) > _MOST else ""
        show(pd.DataFrame(table), f"faults of the detector: {len(found)}{more}")


def _size(span: slice | None) -> int:
    return 1_000_000 if span is None else span.stop - span.start


def _text(span: slice | None) -> str:
    return "all" if span is None else f"{span.start}-{span.stop - 1}" if _size(span) > 1 else f"{span.start}"


def _warnings(cfg: SortConfig, model: Model, belts: Sequence[SortedBelt]) -> Iterator[str]:
    rows = [row for belt in belts for row in belt.rows]
    notes = [note for belt in belts for note in belt.notes]
    yield from notes[:_MOST]
    if len(notes) > _MOST:
        yield f"{len(notes) - _MOST} more of the kind; decisions.json has them all"
    yield from islice(_bad_scans([row for belt in belts for row in belt.placed()]), _MOST)
    for flag, wrong in _WRONG.items():
        word = getattr(cfg, flag)
        if count := sum(getattr(row.particle, flag) for row in rows):
            yield f"{count} of {len(rows)} particles {wrong}; {_DONE[word]} ({flag}={word})"
    if not model.seen:
        yield f"{cfg.ckpt}: does not know what its training scans looked like, so the drift alarm is off"
    for belt in belts:
        for known in belt.drift(model.seen):
            if known.alarm:
                yield f"{belt.files.name}: {known.alarm}; look at the scan, or train on such scans"


def _bad_scans(rows: Sequence[Placed]) -> Iterator[str]:
    names = Counter(row.scan for row in rows)
    faulty = Counter(row.scan for row in rows if row.made.particle.faulty)
    for name, count in faulty.items():
        if names[name] > _FEW and 2 * count > names[name]:
            yield f"{name}: {count} of {names[name]} particles are faulty; see whether its layers belong together"
