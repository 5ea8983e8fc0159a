"""What an exported model says of itself: one entry of its metadata, `oresort`, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

from oresort.console.check import checked
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.layout import CLASSES
from oresort.files.reading import json_of
from oresort.make import make
from oresort.represent.representation import Representation
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point
from oresort.sorting.probability import check_threshold
from oresort.sorting.seen import check_seen
from oresort.sorting.temperature import check_temperature
from oresort.xray.transmission import FULL_SCALE

KEY = "oresort"
_ROOM = "oresort.represent."
_MOST = 2**21  # letters


@dataclass(frozen=True)
class Card:
    """How pairs are prepared for a model, what its answers mean, and where it comes from."""

    FORMAT: ClassVar[int] = 2  # raised when a key gets another meaning

    threshold: float  # default of the graph's input of that name, chosen on validation data
    temperature: float  # by which the graph divides its logits; for information
    air: float  # counts without a particle, where nobody says what they are
    representation: Mapping[str, Any]  # spec of a class of `oresort.represent`
    cut: Cutting | None  # how its training pairs were cut; None: nobody knows
    seen: Mapping[str, Any] = field(default_factory=dict)  # for the drift alarm, see `oresort.sorting.drift.compare`
    provenance: Mapping[str, Any] = field(default_factory=dict)  # version, checkpoint, data: for information
    point: Point | None = None  # which rule chose the threshold, and what it promises; None: nobody knows
    known: Lot | None = None  # validation pairs, from which another threshold can be chosen; None: none are known

    def text(self) -> str:
        """Return it as JSON, as `read` takes it."""
        plain = {key.name: getattr(self, key.name) for key in fields(self)}
        plain |= {"cut": self.cut and asdict(self.cut), "point": self.point and self.point.plain()}
        plain |= {"known": self.known and self.known.plain()}
        return json.dumps({"format": self.FORMAT, "classes": list(CLASSES), **plain}, allow_nan=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the card that a file holds, whoever wrote it.

        Raises:
            InputError: another format, or a value that `text` would not have written; names the key.
        """
        if len(text) > _MOST:
            raise InputError(f"{len(text):,} letters of metadata, of which at most {_MOST:,} would be read")
        try:
            content = json_of(text.encode())
        except ValueError as error:
            raise InputError(f"metadata that are not JSON as it was written ({error})") from error
        if not isinstance(content, dict) or type(content.get("format")) is not int:
            raise InputError("metadata without a format")
        if (version := content.pop("format")) != cls.FORMAT:
            raise InputError(f"format {version}, and this program reads format {cls.FORMAT}")
        known = {"classes", *(key.name for key in fields(cls))}
        if odd := sorted(known ^ content.keys()):
            raise InputError(f"metadata {'without' if odd[0] in known else 'with an unknown'} {odd[0]!r}")
        if content.pop("classes") != list(CLASSES):
            raise InputError(f"classes: not {', '.join(CLASSES)}")
        for key in ("representation", "seen", "provenance"):
            if not isinstance(content[key], dict):
                raise InputError(f"{key}: not a mapping")
        numbers = {key: _number(key, content[key]) for key in ("threshold", "temperature", "air")}
        if not 1 <= numbers["air"] <= FULL_SCALE:
            raise InputError(f"air={numbers['air']}: not counts of 16 bits")
        check_threshold(numbers["threshold"])
        check_temperature(numbers["temperature"])
        check_seen(content["seen"])
        made = {
            "cut": _cutting(content["cut"]),
            "point": None if content["point"] is None else Point.read(content["point"]),
            "known": None if content["known"] is None else Lot.read(content["known"]),
        }
        card = cls(**{**content, **numbers, **made})
        if card.point is not None and card.point.threshold != card.threshold:
            raise InputError("point: of another threshold than the model's")
        card.represent()
        return card

    def represent(self) -> Representation:
        """Return the representation; InputError for one that is not of `oresort.represent`, or cannot be made."""
        target = self.representation.get("_target_")
        # before anything is imported because a file names it
        if not isinstance(target, str) or not target.startswith(_ROOM):
            raise InputError(f"representation {target!r}: not one of {_ROOM}*, which are all that run without torch")
        return make(self.representation, Representation)  # type: ignore[type-abstract]


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key}={value!r}: not a number")
    return float(value)


def _cutting(content: object) -> Cutting | None:
    if content is None:
        return None
    if not isinstance(content, dict) or content.keys() != {key.name for key in fields(Cutting)}:
        raise InputError("cut: not how pairs are cut")
    return Cutting(**checked("cut", Cutting, content))
