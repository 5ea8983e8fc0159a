import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from oresort import calibrate
from oresort.belt import simulate_scan
from oresort.scan.calibrate.calibration import load_calibration


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of one sorter, the second at another level of air."""
    folder = tmp_path_factory.mktemp("scans")
    for seed, factor in ((1, 1.0), (2, 0.97)):
        scan = simulate_scan(seed, particles=12)
        for name, counts in (("low", scan.low), ("high", scan.high)):
            lines = np.where(counts == 65_535, counts, np.rint(counts * factor)).astype(np.uint16)
            tifffile.imwrite(folder / f"s{seed}_{name}.tiff", lines, compression="lzw")
    return folder


def test_a_sorter_is_measured_by_its_scans(command: Any, scans: Path, tmp_path: Path):
    out = tmp_path / "sorter" / "a.json"
    code, shown, err = command(calibrate, f"scans={scans}", f"out={out}", "sorter=A", "pixel=0.4")
    assert code == 0, err
    assert "warning" not in err
    assert "2 scans" in shown
    assert "row offset" in shown
    found = load_calibration(out)
    assert (found.sorter, found.pixel, found.belt) == ("A", 0.4, slice(181, 2810))
    assert found.registration is not None
    assert found.registration.scale == pytest.approx(1.0075, abs=2e-4)
    assert {file.name for file in out.parent.iterdir()} == {"a.json", "a.png", "a-layers.png"}
    assert json.loads(out.read_text())["made"][:2] == "20"
    code, _, err = command(calibrate, f"scans={scans}", f"out={out}")
    assert code == 1
    assert "is there already" in err


def test_faults_are_named_and_bad_scans_left_out(command: Any, scans: Path, tmp_path: Path):
    layers = {file.name: tifffile.imread(file) for file in scans.iterdir()}
    layers["s1_high.tiff"][:, 1500:1628] = 0
    layers["s2_low.tiff"], layers["s2_high.tiff"] = layers["s2_high.tiff"], layers["s2_low.tiff"]
    for name, counts in layers.items():
        tifffile.imwrite(tmp_path / name, counts)
    code, _, err = command(calibrate, f"scans={tmp_path}", f"out={tmp_path / 'a.json'}")
    assert code == 1
    assert "warning: high layer, columns 1500-1627: dark, not mended" in err
    assert "s2_low.tiff: low attenuates no more than high" in err
    assert "1 of 2 scans failed" in err
    assert [str(fault) for fault in load_calibration(tmp_path / "a.json").faults()] == [
        "high layer, columns 1500-1627: dark, not mended"
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(["out=a.txt"], "must end with .json"), (["out=a.json", "pixel=-1"], "pixel"), (["out=a.json", "air=x/y"], "x")],
)
def test_wrong_keys_are_refused(command: Any, scans: Path, words: list[str], complaint: str):
    code, _, err = command(calibrate, f"scans={scans}", *words)
    assert code == 1
    assert complaint in err
    assert err.count("\n") == 1
    assert not Path("a.json").exists()
