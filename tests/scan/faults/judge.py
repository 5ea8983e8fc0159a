"""The judge of a faulty scan: is what came out right, or flagged and named, or refused, or silently wrong?"""

import re
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import tifffile
from scan.ellipses import iou

from oresort.errors import InputError
from oresort.files.lines import PairReader
from oresort.scan.calibrate.adjust import adjust_calibration
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.scan.cut.cutter import Cutter
from oresort.scan.fault import Fault
from oresort.xray.transmission import attenuation

ALIKE = 0.9  # IoU of boxes that are the same
MEAN = 0.02  # mean attenuations that are the same; 1.5 % of a rock's
PIXELS = 0.15  # attenuation smoothed over 3 x 3 pixels: five deviations of what two images of one rock differ by
NAMED = 0.8  # of a faulty rectangle must be named: side columns and a line at its end may look sound
FROM_THEN_ON = 400  # a rectangle that ends at the last line of any scan here
NEAR = 30  # pixels about a fault's rectangle in which it may have done something: registration and masks reach so far


@dataclass
class Run:
    """What one scan gave."""

    cuts: list = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    level: float = 0.0
    notes: tuple[str, ...] = ()  # what the calibration warns of
    refused: str = ""
    calibration: object = None
    shape: tuple[int, int] = (0, 0)


def run(folder, low, high, calibration=None, options=None, lines=256):
    """Calibrate, or adjust what is given, and cut; a refusal is a result as well."""
    for name, counts in (("low", low), ("high", high)):
        tifffile.imwrite(folder / f"a_{name}.tiff", counts)
    try:
        with PairReader(folder / "a_low.tiff", folder / "a_high.tiff") as reader:
            calibration = calibrate_scan(reader) if calibration is None else adjust_calibration(reader, calibration)
            cutter = Cutter(calibration, *([options] if options else []))
            cuts = []
            for start in range(0, reader.height, lines):
                cuts += cutter.push(low[start : start + lines], high[start : start + lines])
            cuts += cutter.finish()
    except InputError as error:
        return Run(refused=str(error))
    return Run(
        cuts,
        list(cutter.faults),
        calibration.low.level,
        calibration=calibration,
        notes=calibration.notes,
        shape=low.shape,
    )


def silent(clean, found, slack=1.0):
    """Return one line for each thing that changed without a word, of two `Run`s that were not refused."""
    wrong, left = [], list(found.cuts)
    for mine in clean.cuts:
        box = box_of(mine)
        best = max(left, key=lambda cut: iou(box, box_of(cut)), default=None)
        if best is None or iou(box, box_of(best)) < 0.5:
            if not _under(box, found, unmended=True):
                wrong.append(f"lost: {box}")
            continue
        left.remove(best)
        change = differs(mine, best, clean.level, found.level, slack)
        if not change:
            continue
        flags = [
            flag
            for flag in ("faulty", "clipped", "mended")
            if getattr(best.particle, flag) and not getattr(mine.particle, flag)
        ]
        # a note tells of all particles: that the layers do not fit, or came late
        if not flags and not found.notes and not _under(box, found, unmended=False):
            wrong.append(f"changed: {box} {change}")
        elif flags == ["mended"] and differs(mine, best, clean.level, found.level, slack=4 * slack):
            wrong.append(f"mended, but far off: {box} {change}")
    wrong += [
        f"new: {box_of(cut)}" for cut in left if not (cut.particle.faulty or cut.particle.clipped or _named(cut, found))
    ]
    return wrong


def differs(mine, other, level, other_level, slack=1.0):
    """Return how two cuts of one particle differ beyond noise, or nothing."""
    changes = []
    overlap = iou(box_of(mine), box_of(other))
    if overlap < 1 - slack * (1 - ALIKE):
        changes.append(f"IoU {overlap:.2f}")
    for name in ("low", "high"):
        one, two = _attenuation(mine, name, level), _attenuation(other, name, other_level)
        means = [float(a[c.particle.mask].mean()) for a, c in ((one, mine), (two, other))]
        if abs(means[0] - means[1]) > slack * MEAN:
            changes.append(f"mean of {name} {means[0]:.3f} -> {means[1]:.3f}")
        apart = _apart(mine, one, other, two)
        if apart > slack * PIXELS:
            changes.append(f"pixels of {name} by {apart:.2f}")
    return ", ".join(changes)


def box_of(cut):
    """Return a cut's box (x, y, w, h)."""
    return cut.particle.x, cut.particle.y, cut.particle.w, cut.particle.h


def _attenuation(cut, name, level):
    return np.asarray(attenuation(getattr(cut, name), level), np.float64)


def _apart(mine, one, other, two):
    """Return the 99th percentile of what two cuts' attenuations differ by where both masks are, smoothed."""
    y, x = (max(getattr(c.particle, k) for c in (mine, other)) for k in ("y", "x"))
    bottom, right = (
        min(getattr(c.particle, k) + getattr(c.particle, n) for c in (mine, other)) for k, n in (("y", "h"), ("x", "w"))
    )
    parts = []
    for cut, values in ((mine, one), (other, two)):
        box = slice(y - cut.particle.y, bottom - cut.particle.y), slice(x - cut.particle.x, right - cut.particle.x)
        parts.append((values[box], cut.particle.mask[box]))
    mask = cv2.erode((parts[0][1] & parts[1][1]).astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    if not mask.any():
        return 0.0
    return float(np.percentile(np.abs(cv2.blur(parts[0][0] - parts[1][0], (3, 3)))[mask], 99))


def reach(fault, box, near=NEAR):
    """Tell whether a fault's rectangle comes as near as `near` to a box (x, y, w, h)."""
    x, y, w, h = box
    return all(
        span is None or (span.start - near < start + size and span.stop + near > start)
        for span, start, size in ((fault.columns, x, w), (fault.lines, y, h))
    )


def _under(box, found, unmended):
    """Tell whether a fault was named where a particle was, or a flagged particle lies over most of it."""
    if any(reach(fault, box) for fault in found.faults if not (unmended and fault.mended)):
        return True
    x, y, w, h = box
    for cut in found.cuts:
        left, top, width, height = box_of(cut)
        across = min(x + w, left + width) - max(x, left)
        along = min(y + h, top + height) - max(y, top)
        if (cut.particle.faulty or cut.particle.clipped) and max(across, 0) * max(along, 0) > 0.5 * w * h:
            return True
    return False


def _named(cut, found):
    return cut.particle.mended and any(reach(fault, box_of(cut)) for fault in found.faults)


def verdict(variant, allowed, clean, found):
    """Return one word, and what is wrong: right, named and refused are well, any other word is a failure."""
    if found.refused:
        if allowed in ("right", "named"):
            return "REFUSED", [found.refused]
        return ("refused", []) if re.search(variant.words, found.refused) else ("ADVICE", [found.refused])
    clean = moved(clean, *variant.moved, found.shape[0])
    if allowed == "refused":
        flagged = bool(found.cuts) and all(cut.particle.faulty for cut in found.cuts)
        return ("named", []) if flagged else ("ACCEPTED", ["nothing was said"])
    wrong = silent(clean, found, variant.slack)
    if wrong:
        return "SILENT", wrong
    if variant.patch is not None:
        share = _share_named(variant.patch, found)
        if share < NAMED:
            return "UNNAMED", [f"{share:.0%} of it; {'; '.join(map(str, found.faults))}"]
        cries = [box_of(cut) for cut in found.cuts if cut.particle.faulty and not _meets(variant.patch, box_of(cut))]
        if cries:
            return "WOLF", [f"faulty, and far from the fault: {cries}"]
    changes = _changes(clean, found, variant.slack)
    if allowed == "right" and changes:
        return "CHANGED", changes
    return ("named", changes) if changes else ("right", [])


def _changes(clean, found, slack):
    """Return one line for each particle that is lost, new or other than in the sound scan, flagged or not."""
    left, changes = list(found.cuts), []
    for mine in clean.cuts:
        best = max(left, key=lambda cut: iou(box_of(mine), box_of(cut)), default=None)
        if best is None or iou(box_of(mine), box_of(best)) < 0.5:
            changes.append(f"lost {box_of(mine)}")
            continue
        left.remove(best)
        if change := differs(mine, best, clean.level, found.level, slack):
            changes.append(f"{box_of(mine)} {change}")
        elif best.particle.faulty:
            changes.append(f"flagged {box_of(mine)}")
    return changes + [f"new {box_of(cut)}" for cut in left]


def moved(clean, first, by, height):
    """Return a run whose particles that begin at line `first` or later lie `by` lines later, if still on the scan."""
    cuts = []
    for cut in clean.cuts:
        y = cut.particle.y + (by if cut.particle.y >= first else 0)
        if y >= 0 and y + cut.particle.h <= height:
            cuts.append(cut._replace(particle=replace(cut.particle, y=y)))
    return replace(clean, cuts=cuts)


def _share_named(patch, found):
    """Return the share of a patch's rectangle that faults of its layer name, at least."""
    shares = []
    for layer in ("low", "high") if patch.layer == "both" else (patch.layer,):
        named = np.zeros(found.shape, np.bool_)
        for fault in found.faults:
            if fault.layer in (layer, "both"):
                named[fault.lines or slice(None), fault.columns or slice(None)] = True
        shares.append(float(named[patch.place].mean()))
    return min(shares)


def _meets(patch, box):
    # columns that die amid a scan may count as dead in all of it
    lines = patch.lines if patch.columns is None or patch.lines is None or patch.lines.stop < FROM_THEN_ON else None
    return reach(Fault(patch.layer, patch.kind, lines, patch.columns, mended=False), box, near=2 * NEAR)
