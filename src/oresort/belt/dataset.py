"""Write simulated pairs and scans to disk, whole or not at all, in parallel and the same for any number of workers."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from oresort.belt.crops import Crop, simulate_crops
from oresort.belt.labels import Labelling, assay_label
from oresort.belt.parallel import in_parallel
from oresort.belt.plan import ScanPlan, plan_scans, split_counts
from oresort.belt.rock import ASSOCIATION, draw_lot
from oresort.belt.scan import draw_scene, expose_scene
from oresort.files.dataset import SIMULATED, write_dataset
from oresort.files.image import write_pair, write_tiff
from oresort.files.layout import MANIFEST_COLUMNS, pair_row, write_index


def write_pairs(
    out: Path,
    pairs: int,
    seed: int,
    labelling: Labelling | None = None,
    association: float = ASSOCIATION,
    kvp: float = 160.0,
    background: str = "zero",
    workers: int = 1,
) -> pd.DataFrame:
    """Write a dataset in the released layout, its manifest, splits and `dataset.json`; return the manifest.

    `labelling` says how labels are made (default: by lot); `background` is `zero` or `air`. `out` must not
    exist yet or be empty. InputError for a count too small for three splits or a voltage out of range.
    """
    labelling = labelling or Labelling()
    plan_seed, *_ = root = np.random.SeedSequence(seed).spawn(2)
    plan = plan_scans(split_counts(pairs), labelling.mode == "batch", np.random.default_rng(plan_seed))
    seeds = root[1].spawn(len(plan))
    job = partial(
        _write_scan_pairs,
        out,
        lots_entropy=seed,
        labelling=labelling,
        association=association,
        kvp=kvp,
        background=background,
    )
    rows = in_parallel(job, list(zip(plan, seeds, strict=True)), workers, "simulating scans")
    manifest = pd.DataFrame([row for scan in rows for row in scan], columns=list(MANIFEST_COLUMNS))
    manifest = manifest.sort_values(["scan", "y", "x"], ignore_index=True)
    write_index(out, manifest)
    write_dataset(out, "oresort.simulate", replace(SIMULATED, background=background))
    return manifest


def _write_scan_pairs(
    out: Path,
    item: tuple[ScanPlan, np.random.SeedSequence],
    lots_entropy: int,
    labelling: Labelling,
    association: float,
    kvp: float,
    background: str,
) -> list[dict[str, object]]:
    plan, seed = item
    scene_seed, label_seed = seed.spawn(2)
    lot_rng = np.random.default_rng([lots_entropy, plan.batch])
    lot = draw_lot(lot_rng, labelling.mineralised_share(plan.label), plan.label is not None, association)
    scene = draw_scene(scene_seed, plan.size, lot, kvp)
    rng = np.random.default_rng(label_seed)
    air = round(sum(scene.settings.air) / 2)
    rows = []
    for crop in simulate_crops(scene, keep_background=background == "air"):
        label = plan.label or assay_label(rng, crop.truth.grade, labelling)
        rows.append(_write_crop(out, crop, plan, label) | {"air": air, "background": background})
    return rows


def _write_crop(out: Path, crop: Crop, plan: ScanPlan, label: str) -> dict[str, object]:
    height, width = crop.low.shape
    row = pair_row(label, plan.batch, plan.number, (crop.x, crop.y, width, height))
    write_pair(out / str(row["id"]), crop.low, crop.high)
    truth = {"grade": round(crop.truth.grade, 5), "mass": round(crop.truth.mass, 3)}
    return row | truth | {"split": plan.split}


def write_scans(
    out: Path,
    scans: int,
    seed: int,
    particles: int = 30,
    association: float = ASSOCIATION,
    kvp: float = 160.0,
    workers: int = 1,
) -> pd.DataFrame:
    """Write whole scan pairs with label masks and truth; return the truth of all, one row per particle.

    Per scan k: `scan_<k>_low.tiff`, `scan_<k>_high.tiff`, `scan_<k>_labels.tiff` (uint16, 600 x 3328; label 0 is
    belt) and `scan_<k>_truth.csv`. InputError for a voltage out of range.
    """
    seeds = np.random.SeedSequence(seed).spawn(3)[2].spawn(scans)
    job = partial(_write_scan, out, particles=particles, association=association, kvp=kvp)
    frames = in_parallel(job, list(enumerate(seeds, start=1)), workers, "simulating whole scans")
    return pd.concat(frames, ignore_index=True)


def _write_scan(
    out: Path, item: tuple[int, np.random.SeedSequence], particles: int, association: float, kvp: float
) -> pd.DataFrame:
    number, seed = item
    lot_seed, scene_seed = seed.spawn(2)
    lot = draw_lot(np.random.default_rng(lot_seed), 0.5, True, association)
    scan = expose_scene(draw_scene(scene_seed, particles, lot, kvp))
    for name in ("low", "high", "labels"):
        write_tiff(out / f"scan_{number}_{name}.tiff", getattr(scan, name))
    rows = []
    for label, truth in enumerate(scan.truth, start=1):
        rows_hit, columns_hit = np.nonzero(scan.labels == label)
        rows.append(
            {
                "scan": number, "label": label, "x": columns_hit.min(), "y": rows_hit.min(),
                "w": np.ptp(columns_hit) + 1, "h": np.ptp(rows_hit) + 1, "grade": truth.grade, "mass": truth.mass,
                "lithology": truth.lithology, "mineralised": truth.mineralised, **truth.minerals,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.to_csv(out / f"scan_{number}_truth.csv", index=False, float_format="%.6g")
    return frame
