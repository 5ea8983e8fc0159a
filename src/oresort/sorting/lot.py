"""A lot of particles of known class, as a model answered them: what figures of sorting are reckoned from."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.probability import check_probabilities

Vector = NDArray[np.float64]

RICHEST = 20.0  # wt %: a median grade beyond it is no ore's, but perhaps one in other units
_LIGHTEST, _HEAVIEST = 1e-9, 1e9  # of a particle, in any unit: sums of other numbers are none
_MOST = 20_000  # particles that are kept in a file
_KINDS = {"p_ore": "<f4", "ore": "|u1", "scan": "<u2", "mass": "<f4", "grade": "<f4"}  # columns in a file
_ORIGINS = ("manifest", "image")


@dataclass(frozen=True, eq=False)
class Lot:
    """N particles; InputError for values that cannot be, or of unequal number.

    Args:
        p_ore: probabilities of ore (N,).
        ore: whether each is ore (N,) by its label.
        scan: the scan of each (N,).
        mass: of each (N,), in g or, from the image, in its own unit: attenuation summed over pixels.
        mass_from: `manifest` or `image`.
        grade: wt % of metal in each (N,); None where that is not known of all.
        assayed: of how many a grade is known.
    """

    p_ore: NDArray[np.float32]
    ore: NDArray[np.bool_]
    scan: NDArray[np.str_]
    mass: Vector
    mass_from: str
    grade: Vector | None = None
    assayed: int = 0

    def __post_init__(self) -> None:
        count = len(self.p_ore)
        check_probabilities(self.p_ore, "p_ore")
        columns = {"ore": self.ore, "scan": self.scan, "mass": self.mass, "grade": self.grade}
        for name, column in columns.items():
            if column is not None and len(column) != count:
                raise InputError(f"{name}: of {len(column)} particles, p_ore of {count}; give one of each")
        if self.mass_from not in _ORIGINS:
            raise InputError(f"mass_from={self.mass_from!r}: unknown; known are {', '.join(_ORIGINS)}")
        _check(self.mass, "mass", _LIGHTEST, _HEAVIEST, f"a number from {_LIGHTEST:g} to {_HEAVIEST:g}")
        if self.grade is not None:
            _check(self.grade, "grade", 0, 100, "wt % from 0 to 100")

    def __len__(self) -> int:
        return len(self.p_ore)

    @property
    def scans(self) -> int:
        """How many scans they are of."""
        return len(np.unique(self.scan))

    @property
    def why_no_grade(self) -> str:
        """Why figures of metal are left out; empty where they are not."""
        if self.grade is None:
            return f"the manifest has a grade for {self.assayed:,} of {len(self):,} particles"
        return "" if self.grade.any() else "no particle holds metal"

    def plain(self) -> dict[str, Any]:
        """Return it in plain values, which `read` takes, of at most 20,000 particles, evenly over all.

        Columns are base64 of little-endian numbers: half of what digits take in a file that is to be small.
        """
        rows = kept_rows(len(self))
        names, codes = np.unique(self.scan[rows], return_inverse=True)
        return {
            "p_ore": _packed("p_ore", self.p_ore[rows]),
            "ore": _packed("ore", self.ore[rows]),
            "scans": names.tolist(),
            "scan": _packed("scan", codes),
            "mass": _packed("mass", self.mass[rows]),
            "mass_from": self.mass_from,
            "grade": None if self.grade is None else _packed("grade", self.grade[rows]),
            "assayed": self.assayed,
        }

    @classmethod
    def read(cls, content: object) -> Self:
        """Return what `plain` wrote, whoever wrote the file.

        Raises:
            InputError: anything else; names the key.
        """
        keys = {"p_ore", "ore", "scans", "scan", "mass", "mass_from", "grade", "assayed"}
        if not isinstance(content, Mapping) or content.keys() != keys:
            raise InputError("known: not particles of known class")
        columns = {key: _unpacked(key, content[key]) for key in _KINDS if key != "grade" or content[key] is not None}
        names, codes, ore = content["scans"], columns["scan"], columns["ore"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError("known.scans: not names")
        if len(codes) and codes.max() >= len(names):
            raise InputError("known.scan: not numbers of scans")
        if len(ore) and ore.max() > 1:
            raise InputError("known.ore: not 0 and 1 alone")
        if type(content["assayed"]) is not int or content["assayed"] < 0:
            raise InputError("known.assayed: not a count")
        try:
            return cls(
                columns["p_ore"],
                ore.astype(np.bool_),
                np.array(names, str)[codes] if len(codes) else np.array([], str),
                columns["mass"].astype(np.float64),
                content["mass_from"],
                columns["grade"].astype(np.float64) if "grade" in columns else None,
                content["assayed"],
            )
        except InputError as error:
            raise InputError(f"known.{error}") from error


def kept_rows(count: int) -> NDArray[np.int64]:
    """Return which of so many particles a file keeps: at most 20,000, evenly over all."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST)).astype(np.int64)) if count else np.zeros(0, np.int64)


def check_grades(grade: Vector, what: str, rich: bool = False) -> None:
    """Refuse grades that look like another unit's; `rich` says that they are wt % all the same.

    Raises:
        InputError: a median above 20 wt %.
    """
    known = grade[np.isfinite(grade)]
    if not rich and len(known) and (median := float(np.median(known))) > RICHEST:
        raise InputError(
            f"{what}: a median grade of {median:.4g} wt %; is it in ppm (10,000 are 1 wt %) or kg/t (10 are 1)? "
            "divide, or say rich=true if it is right"
        )


def _check(values: Vector, what: str, least: float, most: float, wanted: str) -> None:
    bad = ~((values >= least) & (values <= most) & np.isfinite(values))  # NaN is none
    if bad.any():
        raise InputError(f"{what}: {values[bad][0]} of particle {bad.argmax()}; give {wanted}")


def _packed(key: str, values: NDArray[Any]) -> str:
    return b64encode(values.astype(_KINDS[key]).tobytes()).decode()


def _unpacked(key: str, content: object) -> NDArray[Any]:
    kind = np.dtype(_KINDS[key])
    try:
        data = b64decode(content, validate=True) if isinstance(content, str) else b"?"
    except ValueError:
        data = b"?"
    if len(data) % kind.itemsize or len(data) > _MOST * kind.itemsize or not isinstance(content, str):
        raise InputError(f"known.{key}: not base64 of at most {_MOST:,} {kind.name}")
    return np.frombuffer(data, kind).astype(kind.newbyteorder("="))
