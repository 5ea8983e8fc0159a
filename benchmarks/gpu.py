"""What a GPU makes of this package, told line by line: `make gpu`, or from the source tree `python benchmarks/gpu.py`.

The card and its measured peak; how far a step is from one in float64 on the CPU; pairs/s of five models by option;
three seeds at once; then the paper's model for 200 epochs. Each line is printed at once and kept in gpu.json, so that
a run that is cut off has told what it knew. What does not fit into --budget is skipped, and said so. Ends with 1 where
a step is wrong. Children simulate pairs and end with this process; nothing else is started.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()
NEEDED = {
    **{
        "torch": "torch",
        "lightning": "lightning",
        "torchmetrics": "torchmetrics",
        "timm": "timm",
        "cv2": "opencv-python-headless",
    },
    **{"pandas": "pandas", "scipy": "scipy", "skimage": "scikit-image", "tifffile": "tifffile", "PIL": "pillow"},
    **{"hydra": "hydra-core", "omegaconf": "omegaconf", "antlr4": "antlr4-python3-runtime", "yaml": "pyyaml"},
    **{"albumentations": "albumentations", "albucore": "albucore", "stringzilla": "stringzilla"},
    **{
        "simsimd": "simsimd",
        "pydantic": "pydantic",
        "pydantic_core": "pydantic-core",
        "annotated_types": "annotated-types",
    },
    **{"typing_inspection": "typing-inspection", "xraylib": "xraylib", "imagecodecs": "imagecodecs"},
    **{"rich": "rich", "markdown_it": "markdown-it-py", "mdurl": "mdurl", "pygments": "pygments"},
    **{"threadpoolctl": "threadpoolctl", "sklearn": "scikit-learn"},
}
"""Modules that must be there, and the packages that bring them."""

RESERVE = 150.0  # seconds that are kept for the whole training
NARROW = ["model.tower.widths=[4,8,8]", "model.tower.squeeze=2", "model.head.widths=[4]"]
PLAIN = ["model/fusion=stack", "model/head=linear"]
PUBLISHED = ["scale.published_size={size}", "scale.published_pixels={size}"]
MODELS = {
    "paper": [],
    "compact": ["model/tower=compact", *PLAIN],
    "lite": ["recipe=lite"],
    "MobileNetV3-small": ["+ablation/comparison=mobilenetv3_small", *PUBLISHED],
    "ResNet-34": ["+ablation/comparison=resnet34", *PUBLISHED],
}
OPTIONS = {
    "float32": ["trainer.precision=32-true", "tf32=false", "block=0"],
    "TF32": ["trainer.precision=32-true", "tf32=true", "block=0"],
    "bf16": ["trainer.precision=bf16-mixed", "tf32=true", "block=0"],
    "bf16, graph": ["trainer.precision=bf16-mixed", "tf32=true", "block=auto"],
}
ON_CPU = {"float32": OPTIONS["float32"], "bf16, block": ["trainer.precision=bf16-mixed", "block=2"]}
FAR = {"float64": 1e-9, "float32": 1e-3, "TF32": 5e-2, "bf16": 0.3, "bf16, graph": 0.3, "float32, graph": 1e-3}
"""By how much loss and gradients may differ from float64, as shares. Weights follow Adam, which makes a whole step of a
gradient that is nothing but rounding: they are told, not judged."""


class Telling:
    """Prints lines as they come, and keeps them in a file that is always whole."""

    def __init__(self, file: Path, budget: float) -> None:
        self.file, self.budget, self.wrong = file, budget, False
        self.lines: list[dict[str, Any]] = []

    def __call__(self, what: str, **figures: Any) -> None:
        """Tell a line: what it is of, and its figures by name."""
        from oresort.files.write import write_json

        at = round(time.perf_counter() - BEGUN, 1)
        shown = ", ".join(f"{name} {v:.4g}" if isinstance(v, float) else f"{name} {v}" for name, v in figures.items())
        print(f"{at:7.1f} s  {what}{': ' if shown else ''}{shown}", flush=True)
        self.lines.append({"at": at, "what": what, **figures})
        write_json(self.file, {"lines": self.lines})

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.budget - (time.perf_counter() - BEGUN)


def main() -> None:
    """Measure one part after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--tiny", action="store_true", help="narrow models, few pairs: does all of it run?")
    parser.add_argument("--budget", type=float, default=350.0, help="seconds for all (%(default)s)")
    parser.add_argument("--data", default=None, help="a dataset; without one the paper's size is simulated")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for gpu.json (here)")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))  # uninstalled, too
    if absent := [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]:
        words = f"pip install --no-deps -c constraints.txt --target carried {' '.join(absent)}"
        print(f"error: packages are missing; carry what this brings, and set PYTHONPATH=carried: {words}", flush=True)
        sys.exit(1)
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import torch

    if options.device == "gpu" and not torch.cuda.is_available():
        print("error: no GPU that torch sees; --device cpu --tiny tries the script without one", flush=True)
        sys.exit(1)
    from gpu_parts import Parts

    tell = Telling(options.out / "gpu.json", options.budget)
    with tempfile.TemporaryDirectory() as folder:
        Parts(tell, options.device, options.tiny, options.data, Path(folder)).all()
    tell("end", right=not tell.wrong)
    sys.exit(int(tell.wrong))


if __name__ == "__main__":
    main()
