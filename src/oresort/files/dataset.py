"""`dataset.json`: how the pairs beside it were cut, so that a belt is cut alike when their model sorts it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from oresort.errors import InputError
from oresort.files.layout import MANIFEST
from oresort.files.reading import present, read_json
from oresort.files.write import MARK, write_json
from oresort.paths import version_of

_VERSION = 1

WORDS = {
    "crops": ("registered", "released"),
    "mask": ("noise", "threshold", "released"),
    "background": ("zero", "air"),
}


@dataclass(frozen=True)
class Cutting:
    """How particles are found on a scan and cut out of it; `conf/prepare.yaml` explains each key.

    InputError for a word that is unknown or a number out of range.
    """

    crops: str = "registered"
    background: str = "zero"
    correct: bool = True
    mask: str = "noise"
    split: bool = True
    convex: float = 0.925  # share of its convex hull from which an outline is one particle's: rock is nearly convex
    neck: float = 0.95  # width of a neck over that of the narrower part beside it, below which it parts two particles
    min_area: int = 50  # smallest particle, pixels: about 3 mm across at the 0.4 mm pitch of the paper's sorter

    def __post_init__(self) -> None:
        for key, known in WORDS.items():
            if getattr(self, key) not in known:
                raise InputError(f"{key}={getattr(self, key)}: unknown; known are {', '.join(known)}")
        if self.min_area < 1:
            raise InputError(f"min_area={self.min_area}: must be at least 1 pixel")
        for key in ("convex", "neck"):
            if not 0 < getattr(self, key) <= 1:
                raise InputError(f"{key}={getattr(self, key)}: must be above 0 and at most 1")

    @classmethod
    def of(cls, config: object) -> Self:
        """Return the cutting that a configuration with keys of the same names asks for."""
        return cls(**{key.name: getattr(config, key.name) for key in fields(cls)})


SIMULATED = Cutting(crops="released", mask="threshold")
"""Cuts a scan so that its crops look like simulated pairs."""

RELEASED = Cutting(crops="released", mask="released", correct=False, split=False)
"""Cuts a scan as the paper's authors did; of scan 38 that gives their pairs to the pixel."""


def write_dataset(root: Path, command: str, cut: Cutting | None, **known: Mapping[str, Any]) -> None:
    """Write `dataset.json`: the command that made it, how its pairs were cut (None: it holds none), what is `known`."""
    made_by = f"{command} {version_of('oresort')}"
    write_json(root / MARK, {"version": _VERSION, "made_by": made_by, "cut": asdict(cut) if cut else None, **known})


def read_dataset(root: str | Path) -> Cutting | None:
    """Return how a dataset's pairs were cut: by `dataset.json`, or as the paper's authors did in their layout.

    None means that nobody knows: there is a manifest alone. InputError for a `dataset.json` that is damaged or of
    another version.
    """
    root = Path(root)
    if not present(root / MARK):
        return None if present(root / MANIFEST) else RELEASED
    return _read(root / MARK)[0]


def otherwise(here: Cutting, there: Cutting) -> str:
    """Return in what `here` is cut otherwise, `key=value against value`; empty if it is not."""
    own, other = asdict(here), asdict(there)
    return ", ".join(f"{key}={own[key]} against {other[key]}" for key in own if own[key] != other[key])


def read_ranges(root: Path) -> dict[str, dict[str, float]]:
    """Return what a dataset's scans looked like: `min`, `median`, `max` by figure, such as `noise_low`; {} if unknown.

    InputError as `read_dataset`.
    """
    return _read(root / MARK)[1] if present(root / MARK) else {}


def made_by(root: Path) -> str | None:
    """Return which command of which version made a dataset, as `dataset.json` says; None if it does not."""
    content = read_json(root / MARK, "make the dataset again") if present(root / MARK) else None
    found = content.get("made_by") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def _read(file: Path) -> tuple[Cutting | None, dict[str, dict[str, float]]]:
    content = read_json(file, "make the dataset again")
    try:
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        ranges = {
            str(name): {key: float(known[key]) for key in ("min", "median", "max")}
            for name, known in content.get("scans", {}).items()
        }
        return None if content["cut"] is None else Cutting(**content["cut"]), ranges
    except (AttributeError, InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: not of this version ({error}); make the dataset again") from error
