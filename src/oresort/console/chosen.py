"""Which files of conf/ a command line chooses, and what is in them: read as plain YAML, since Hydra takes its time."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from oresort.paths import CONF_DIR

PLUMBING = ("defaults", "hydra")
"""Keys of a file that are none of the command's."""

Chosen = list[tuple[str, str | None]]
"""Groups, each with a file of it or with None where nothing of it is chosen."""


def chosen(name: str, words: Iterable[str] = ()) -> Chosen:
    """Return the files that command `name` is composed of, as the words of its command line choose them."""
    picked = {key: value_of(value) for key, _, value in (w.lstrip("+").partition("=") for w in words)}
    entries = list(read(CONF_DIR / f"{name}.yaml")["defaults"])
    entries += [{f"/{group}": picked[group]} for group in added(name) if group in picked]
    list(_walk(entries, "", picked))  # gathers what chosen files choose instead
    return list(_walk(entries, "", picked))


def added(name: str) -> list[str]:
    """Return the groups whose files are added with `+`: those that choose for command `name`, and it not them."""
    own = {group for group, _ in _walk(read(CONF_DIR / f"{name}.yaml")["defaults"], "", {})}
    names = []
    for folder in sorted({file.parent for file in CONF_DIR.glob("*/*.yaml")}):
        entries = [e for file in folder.glob("*.yaml") for e in read(file).get("defaults", []) if isinstance(e, dict)]
        chooses = any(key.startswith("override ") and _path(key, "") in own for entry in entries for key in entry)
        if chooses and folder.name not in own:
            names.append(folder.name)
    return names


def value_of(text: str) -> Any:
    """Return what a word's value names: one file of a group, or several."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text  # a path, say: no choice of a group


@cache
def read(file: Path) -> dict[str, Any]:
    """Return what is in a file of conf/."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER) or {}


def everywhere(file: Path) -> bool:
    """Tell whether a file sets keys of all groups, and not those of its own."""
    return "@package _global_" in file.read_text(encoding="utf-8")


def _walk(defaults: list[Any], group: str, picked: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield (group, choice) of a defaults list and of the files that it names; what those choose joins `picked`."""
    for entry in defaults:
        named = entry if isinstance(entry, dict) else {f"/{group}": entry} if group and entry != "_self_" else {}
        for key, value in named.items():
            path = _path(key, group)
            if key.startswith("override "):
                picked.setdefault(path, value)
                continue
            choice = picked.get(path, value) if isinstance(entry, dict) else value
            for one in choice if isinstance(choice, list) and choice else [choice]:
                file = CONF_DIR / path / f"{one}.yaml"
                if path == "command" or (one and not file.is_file()):
                    continue  # plumbing, or a file of another folder
                yield path, one or None
                if one:
                    yield from _walk(read(file).get("defaults", []), path, picked)


def _path(key: str, group: str) -> str:
    name = key.removeprefix("override ").split("@")[0]
    return name.strip("/") if name.startswith("/") or not group else f"{group}/{name}"


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
