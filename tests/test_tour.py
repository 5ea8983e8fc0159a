"""The notebook runs from a raw scan to a decision, as its cells stand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"
CELLS = json.loads(TOUR.read_text())["cells"]

# what a reader of the notebook sees, in figures
TOLD = """
import json
told = {
    "found": len(cuts), "true": len(truth), "package": float(roc_auc_score(index["label"] == "ore", answers["p_ore"])),
    "grades": {word: float(known["grade"][decisions == word].median()) for word in ("ore", "waste")},
    "own": float(rows["gate"]["test/auroc"]), "moved": float(abs(share - 0.5).max()), "made": len(made),
    "pictures": len(plt.get_fignums()), "scores": list(own.module.net.fusion.state_dict()),
}
print("told:" + json.dumps(told))
"""


def test_it_holds_no_outputs_and_points_to_pages_that_are_there():
    for cell in CELLS:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\(([^)#]+)", "".join(cell["source"])):
                assert (TOUR.parent / target).is_file(), target


def test_its_cells_run_one_after_the_other(tmp_path: Path):
    code = "\n\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code")
    (tmp_path / "tour.py").write_text(code + TOLD)  # a file of its own, so that its classes are of __main__
    place: dict[str, Any] = {**os.environ, "MPLBACKEND": "Agg", "TMPDIR": str(tmp_path)}
    words = [sys.executable, "tour.py"]
    done = subprocess.run(words, cwd=tmp_path, env=place, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert "arning" not in done.stderr
    told = json.loads(done.stdout.split("told:")[1])
    assert told["found"] == told["true"] == told["made"] == 24
    assert told["package"] > 0.85
    assert told["grades"]["ore"] > 2 * told["grades"]["waste"]
    assert told["own"] > 0.7
    assert told["moved"] > 0.05
    assert told["scores"] == ["scores"]
    assert told["pictures"] == 5
