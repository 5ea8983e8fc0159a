"""What a sorted belt leaves on disk: decisions, what they rest on, and pictures, in this order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.provenance import provenance
from oresort.files.write import replacing, write_json
from oresort.runtime.belt import SortedBelt
from oresort.runtime.ejections import Kept
from oresort.runtime.model import Model
from oresort.runtime.settings import SortConfig
from oresort.runtime.told import Told
from oresort.scan.calibrate.calibration import save_calibration
from oresort.scan.draw.decisions import draw_decisions
from oresort.scan.draw.page import save_png
from oresort.scan.draw.preview import Preview
from oresort.sorting.table import write_decisions


def write_sorted(
    cfg: SortConfig,
    model: Model,
    cut: Cutting,
    threshold: float,
    belts: Sequence[SortedBelt],
    kept: Kept | None,
    ejectors: Mapping[str, Any] | None,
    told: Told,
    ready: Callable[[], None],
) -> list[Path]:
    """Write tables, `decisions.json` and pictures; return the paths of files, and of folders of pictures.

    `kept` is what nozzles do, and `ejectors` are figures of that, where there are any; `told` has seen all decisions;
    `ready` makes the folder ready for them, see `claimed`.

    Raises:
        InputError: a folder that cannot be written.
    """
    out = Path(cfg.out)
    written = [out / "decisions.csv", out / "decisions.json"]
    try:
        if cfg.save_calibration:
            save_calibration(Path(cfg.save_calibration), belts[0].calibration)
            written.append(Path(cfg.save_calibration))
        ready()
        pixel = belts[0].calibration.pixel if cfg.pixel is None else cfg.pixel
        write_decisions(written[0], [row for belt in belts for row in belt.placed()], pixel)
        write_json(written[1], _provenance(cfg, model, cut, threshold, belts) | {"ejectors": ejectors, **told.record()})
        written.append(told.write(out))
        if kept:
            written.append(kept.write(out))
        before = 0, 0
        for belt in belts:
            if belt.preview:
                pictures = {"overlay": _picture(belt, belt.preview, threshold)}
                if kept:
                    pictures["ejections"] = kept.draw(belt.preview, belt.rows, before)
                for what, figure in pictures.items():
                    name = f"{what}.png" if len(belts) == 1 else f"{what.removesuffix('s')}s/{belt.files.name}.png"
                    with replacing(out / name) as temporary:
                        save_png(figure, temporary)
                    written.append(out / Path(name).parts[0])
            before = before[0] + len(belt.rows), before[1] + belt.lines
    except OSError as error:
        raise InputError(f"{error.filename or out}: cannot be written ({error.strerror}); choose another") from error
    return list(dict.fromkeys(written))


def _picture(belt: SortedBelt, preview: Preview, threshold: float) -> Figure:
    particles, words = [row.particle for row in belt.rows], [row.decision for row in belt.rows]
    return draw_decisions(preview, particles, words, belt.p_ore, threshold, belt.faults)


def _provenance(
    cfg: SortConfig, model: Model, cut: Cutting, threshold: float, belts: Sequence[SortedBelt]
) -> dict[str, Any]:
    decisions = [row.decision for belt in belts for row in belt.rows]
    return {
        **provenance(),
        "model": model.describe(),
        "settings": asdict(cfg),
        "cut": asdict(cut),
        "threshold": threshold,
        "particles": len(decisions),
        **{word: decisions.count(word) for word in ("ore", "waste")},
        "belts": [_belt(belt, model) for belt in belts],
    }


def _belt(belt: SortedBelt, model: Model) -> dict[str, Any]:
    files = belt.files
    return {
        "scans": [
            {"name": scan.name, "low": str(scan.low), "high": str(scan.high), "lines": lines}
            for scan, lines in zip(files.scans, files.heights, strict=True)
        ],
        "calibration": {key: getattr(belt.calibration, key) for key in ("made", "sorter", "pixel", "levels")},
        "notes": belt.notes,
        "summary": belt.summary,
        "faults": [
            {
                **{"scan": scan, "layer": fault.layer, "kind": fault.kind, "mended": fault.mended},
                "lines": _ends(fault.lines),
                "columns": _ends(fault.columns),
            }
            for scan, fault in belt.faults_by_scan()
        ],
        "drift": {known.name: known._asdict() for known in belt.drift(model.seen)},
    }


def _ends(span: slice | None) -> list[int] | None:
    return None if span is None else [span.start, span.stop - 1]
