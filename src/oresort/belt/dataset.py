"""Write simulated pairs and scans to disk, whole or not at all, in parallel and the same for any number of workers."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from oresort.belt.conditions import Conditions
from oresort.belt.crops import simulate_crops
from oresort.belt.plan import Labelling, ScanPlan, plan_scans, split_counts
from oresort.belt.rock import draw_lot
from oresort.belt.scan import draw_scene, expose_scene
from oresort.console.parallel import in_parallel
from oresort.files.dataset import SIMULATED, write_dataset
from oresort.files.image import write_pair, write_tiff
from oresort.files.layout import MANIFEST_COLUMNS, pair_row, write_index


def write_pairs(
    out: str | Path,
    pairs: int,
    seed: int,
    labelling: Labelling | None = None,
    conditions: Conditions | None = None,
    background: str = "zero",
    workers: int = 1,
) -> pd.DataFrame:
    """Write a dataset in the released layout, its manifest, splits and `dataset.json`; return the manifest.

    `labelling` says how labels are made (default: by lot), `conditions` what the sorter and its feed are like (default:
    as on scan 38); `background` is `zero` or `air`. `out` must not exist yet or be empty. InputError for a count too
    small for three splits.
    """
    out, labelling, conditions = Path(out), labelling or Labelling(), conditions or Conditions()
    plan_seed, pairs_seed = np.random.SeedSequence(seed).spawn(2)
    plan = plan_scans(split_counts(pairs), labelling.mode == "batch", np.random.default_rng(plan_seed))
    job = partial(_write_scan_pairs, out, seed, labelling, conditions, background)
    items = list(zip(plan, pairs_seed.spawn(len(plan)), strict=True))
    rows = [row for scan in in_parallel(job, items, workers, "simulating scans") for row in scan]
    manifest = pd.DataFrame(rows, columns=list(MANIFEST_COLUMNS)).sort_values(["scan", "y", "x"], ignore_index=True)
    write_index(out, manifest)
    air = {str(what): float(level) for what, level in manifest["air"].agg(["min", "median", "max"]).items()}
    # the layers' own levels differ by some tens of counts
    known = {"air_low": air, "air_high": air}
    write_dataset(out, "oresort.simulate", replace(SIMULATED, background=background), scans=known)
    return manifest


def _write_scan_pairs(
    out: Path,
    lots_entropy: int,
    labelling: Labelling,
    conditions: Conditions,
    background: str,
    item: tuple[ScanPlan, np.random.SeedSequence],
) -> list[dict[str, object]]:
    plan, seed = item
    scene_seed, label_seed = seed.spawn(2)
    # the lot is of the batch, not of the scan: all scans of a batch share it, whichever process makes them
    lot_rng, rng = np.random.default_rng([lots_entropy, plan.batch]), np.random.default_rng(label_seed)
    share, zoned = labelling.mineralised_share(plan.label), plan.label is not None
    lot = draw_lot(lot_rng, share, zoned, conditions.association, conditions.lithologies)
    scene = draw_scene(scene_seed, plan.size, lot, conditions)
    # a manifest has one air level per pair; the layers' own differ by some tens of counts
    air = round(sum(scene.settings.air) / 2 * (1.0 + conditions.air_error))
    shared = {"split": plan.split, "air": air, "background": background}
    rows = []
    for low, high, x, y, truth in simulate_crops(scene, keep_background=background == "air"):
        label = plan.label or labelling.assay(rng, truth.grade)
        row = pair_row(label, plan.batch, plan.number, (x, y, low.shape[1], low.shape[0]))
        write_pair(out / str(row["id"]), low, high)
        rows.append(row | {"grade": round(truth.grade, 5), "mass": round(truth.mass, 3)} | shared)
    return rows


def write_scans(
    out: str | Path,
    scans: int,
    seed: int,
    particles: int = 30,
    conditions: Conditions | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """Write whole scan pairs with label masks and truth; return the truth of all, one row per particle.

    Per scan k: `scan_<k>_low.tiff`, `scan_<k>_high.tiff`, `scan_<k>_labels.tiff` (uint16, 600 x 3328; label 0 is belt)
    and `scan_<k>_truth.csv`. `conditions` as for pairs; a scan records no air level that could be off.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    # the third stream: the pairs of the same seed use the first two
    seeds = np.random.SeedSequence(seed).spawn(3)[2].spawn(scans)
    job = partial(_write_scan, out, particles, conditions or Conditions())
    frames = in_parallel(job, list(enumerate(seeds, start=1)), workers, "simulating whole scans")
    return pd.concat(frames, ignore_index=True)


def _write_scan(
    out: Path, particles: int, conditions: Conditions, item: tuple[int, np.random.SeedSequence]
) -> pd.DataFrame:
    number, seed = item
    lot_seed, scene_seed = seed.spawn(2)
    lot_rng = np.random.default_rng(lot_seed)
    lot = draw_lot(lot_rng, 0.5, True, conditions.association, conditions.lithologies)
    scan = expose_scene(draw_scene(scene_seed, particles, lot, conditions))
    for name in ("low", "high", "labels"):
        write_tiff(out / f"scan_{number}_{name}.tiff", getattr(scan, name))
    rows = []
    for label, truth in enumerate(scan.truth, start=1):
        ys, xs = np.nonzero(scan.labels == label)
        rows.append(
            {
                "scan": number, "label": label, "x": xs.min(), "y": ys.min(), "w": np.ptp(xs) + 1, "h": np.ptp(ys) + 1,
                "grade": truth.grade, "mass": truth.mass, "lithology": truth.lithology,
                "mineralised": truth.mineralised, **truth.minerals,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.to_csv(out / f"scan_{number}_truth.csv", index=False, float_format="%.6g")
    return frame
