"""What every kind of fault starts from: a small dataset, runs, scans, a calibration and checkpoints, all of them sound.

`set` is a dataset in the released layout, `run` a finished run, `cut` one that was killed in its second epoch of two,
`runs` three runs of one table, `raw` a folder of two scans, `cal.json` their calibration, `belt.ckpt` a model whose
pairs were cut of registered scans.
"""

import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from faults.harness import Server
from pairs import SMALL, write_image, write_released

from oresort.belt import simulate_scan
from oresort.files.dataset import Cutting

MODEL = " ".join((*SMALL, "augment=none", "model.tower.widths=[4,4,4]"))
"""The real model, tiny."""

SORT = "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff"


def build(world: Path, server: Server) -> None:
    """Make all of it in an empty folder; the commands that do so warm the server."""
    write_released(world / "set")
    (world / "raw").mkdir()
    scan = simulate_scan(5, particles=60)
    for name, left in (("a", 300), ("b", 1400)):
        for layer in ("low", "high"):
            write_image(world / f"raw/{name}_{layer}.tiff", getattr(scan, layer)[:260, left : left + 1000])
    train = f"train data.root=set {MODEL}"
    made(server, world, f"{train} trainer.max_epochs=2 out=run")
    for row in ("A", "B"):
        made(server, world, f"{train} name=table row={row} reference=A model.share={row == 'B'} out=runs/{row}")
    made(server, world, "classic data.root=set method=r_value out=runs/rule")
    made(server, world, "prepare scans=raw out=pairs label=ore")
    made(server, world, "evaluate ckpt=run data.root=set out=judged")
    made(server, world, "report runs=runs resamples=10 out=tables")
    made(server, world, "explain ckpt=run out=edges")
    made(server, world, "simulate out=made pairs=12 workers=1")
    assert server.run(world, f"{train} trainer.max_epochs=2 out=cut", before=[["dies_in", 1]]).code == -9
    content = torch.load(world / "run/checkpoints/best.ckpt", weights_only=True)
    content["hyper_parameters"]["cut"] = asdict(Cutting())
    torch.save(content, world / "belt.ckpt")
    made(
        server,
        world,
        "sort ckpt=belt.ckpt low=raw/a_low.tiff high=raw/a_high.tiff out=sorted save_calibration=cal.json",
    )
    for folder in ("tables", "edges", "made"):  # they have warmed the server, and nothing begins with them
        shutil.rmtree(world / folder)


def made(server: Server, world: Path, words: str) -> None:
    """Run a command that has to end well."""
    end = server.run(world, words, warm=True, seconds=120)
    assert end.code == 0, f"{words}\n{end.err}"
