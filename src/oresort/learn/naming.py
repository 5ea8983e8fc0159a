"""What runs are called: by the keys in which they differ, as few as tell them apart."""

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from oresort.console.ranges import shown

_SUFFIXES = ("._target_", ".name", ".root")  # whose group says it: `fusion` of `model.fusion._target_`
_SET_MANY = ("stretches", "recipe.name", "scale.name")  # a run of 20 and 20 epochs is none of 40


def named_by(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], always: Sequence[str] = ()
) -> tuple[list[str], list[str]]:
    """Return what each row is called, such as `weight_decay 0.01, fusion Stack`, and which of `keys` no name tells.

    Rows hold values by key, and their `name`, which is told where there are several, or where nothing else differs. A
    key that a row does not have (or as NaN or an empty list) names nothing of it; those of `always` are told whether
    they differ or not.
    """
    texts = {key: _texts(key, rows) for key in ["name", *keys, *always]}

    def told(chosen: Sequence[str]) -> int:
        return len(set(zip(*(texts[key] for key in chosen), strict=True))) if chosen else 1

    chosen = [*(["name"] if told(["name"]) > 1 else []), *always]
    open_ = sorted((key for key in dict.fromkeys(keys) if key not in always), key=_rank)
    while open_:
        best = max(open_, key=lambda key: told([*chosen, key]))  # the first of equal ones
        if told([*chosen, best]) == told(chosen):
            break
        chosen.append(best)
        open_.remove(best)
    called = short_keys([key for key in chosen if key != "name"])
    names = []
    for row in range(len(rows)):
        own = [f"{called[key]} {texts[key][row]}" for key in called if texts[key][row] not in ("", "[]")]
        names.append(", ".join([texts["name"][row], *own] if "name" in chosen or not own else own))
    groups = tuple(f"{key.rpartition('.')[0]}." for key in chosen if key.endswith(_SUFFIXES[:2]))
    return names, [key for key in open_ if not key.startswith(groups)] if groups else open_


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Return what keys are called by their last parts, as many as it takes to keep them apart."""
    plain = {key: next((key.removesuffix(end) for end in _SUFFIXES if key.endswith(end)), key) for key in keys}
    plain = {key: own if list(plain.values()).count(own) == 1 else key for key, own in plain.items()}
    found = {}
    for key, own in plain.items():
        parts, others = own.split("."), [f".{other}" for other in plain.values() if other != own]
        ends = (".".join(parts[-count:]) for count in range(1, len(parts) + 1))
        found[key] = next((end for end in ends if not any(other.endswith(f".{end}") for other in others)), own)
    return found


def ends(paths: Sequence[str]) -> list[str]:
    """Return the ends of paths by which those that differ can be told apart."""
    parts = [PurePath(path).parts for path in paths]
    for count in range(1, max(map(len, parts), default=1) + 1):
        found = ["/".join(part[-count:]) for part in parts]
        if len(set(found)) == len(set(paths)):
            return found
    return list(paths)


def is_absent(value: object) -> bool:
    """Tell whether a run does not have a key: it holds NaN, or nothing at all, where the key is asked for."""
    return value is _ABSENT or (isinstance(value, float) and math.isnan(value))


def text_of(key: str, value: object) -> str:
    """Return a key's value as one would type it; of a class its name is enough."""
    if isinstance(value, float):
        return f"{value:g}"
    text = shown(value)
    return text.rpartition(".")[2] if key.endswith("_target_") else text


_ABSENT = object()


def _texts(key: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    values = [row.get(key, _ABSENT) for row in rows]
    found = ["" if is_absent(value) else text_of(key, value) for value in values]
    paths = key.endswith(".root") or any(text.startswith("/") for text in found)
    return ends(found) if paths else found


def _rank(key: str) -> int:
    """Order keys that tell as much: what sets many others, then classes, then single numbers."""
    return _SET_MANY.index(key) if key in _SET_MANY else 2 if key.endswith("_target_") else 3
