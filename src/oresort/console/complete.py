"""Tab completion of the words of every command, for bash, zsh and fish."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from oresort.console.chosen import PLUMBING, added, chosen, everywhere, read
from oresort.paths import CONF_DIR, choices

_FLAGS = ("--help", "--multirun", "--cfg", "--config-dir", "--info")
_SHELLS = ("bash", "zsh", "fish")


def answer(name: str, words: Sequence[str]) -> str | None:
    """Return what command `name` prints for `-sc install=SHELL` and `-sc query=SHELL`; None for other words.

    A query is for the last word of `COMP_LINE` in the environment, up to the sign `COMP_POINT`.
    """
    if len(words) != 2 or words[0] not in ("-sc", "--shell-completion"):
        return None
    match words[1].partition("="):
        case ["install", "=", shell] if shell in _SHELLS:
            verbs = sorted(file.stem for file in CONF_DIR.glob("*.yaml"))
            script = Path(__file__).with_name(f"complete.{shell}").read_text(encoding="utf-8")
            lists = {"VERBS": " ".join(verbs), "VERB_LIST": ",".join(verbs)}
            lists["VERB_DASHED"] = lists["VERB_LIST"].replace("_", "-")
            return re.sub("|".join(sorted(lists, key=len, reverse=True)), lambda m: lists[m[0]], script).rstrip("\n")
        case ["query", "=", shell] if shell in _SHELLS:
            line = os.environ.get("COMP_LINE", "")
            line = line[: int(os.environ.get("COMP_POINT", len(line)))]
            given = re.sub(r"^\S+(\s+-m\s+oresort\S*)?", "", line).split()
            last = given.pop() if given and not line[-1].isspace() else ""
            return "\n".join(sorted(completions(name, given, last)))
    return None


def completions(name: str, given: Sequence[str], last: str) -> set[str]:
    """Return what the `last` word of a command line may become after the words that are `given`.

    Keys are told a level at a time; a word that ends in `=` or `.` goes on. Nothing for values that are not known.
    """
    if last.startswith("-"):
        return {flag for flag in _FLAGS if flag.startswith(last)}
    folders = [CONF_DIR, *(Path(folder) for flag, folder in pairwise(given) if flag in _DIRS)]
    found = chosen(name, given)
    plus = dict.fromkeys(added(name), "+")
    groups = {group: f"{plus.get(group, '')}{group}=" for group in (*(group for group, _ in found), *plus)}
    if "sweep" in read(CONF_DIR / f"{name}.yaml").get("hydra", {}):
        groups |= {f"hydra/{file.name}": f"hydra/{file.name}=" for file in (CONF_DIR / "hydra").iterdir()}
    keys: dict[str, Any] = dict(_keys(read(CONF_DIR / f"{name}.yaml"), ""))
    for group, choice in found:
        file = CONF_DIR / group / f"{choice}.yaml"
        if choice:
            keys |= _keys(read(file), "" if everywhere(file) else f"{group.replace('/', '.')}.")
    word, equals, value = last.partition("=")
    if not equals:
        level = word.count(".")
        names = {".".join(k.split(".")[: level + 1]) + ("=" if k.count(".") == level else ".") for k in keys}
        return {one for one in (*groups.values(), *names) if one.startswith(last)}
    key = word.lstrip("+")
    known = {one for folder in folders for one in choices(key, folder)} if key in groups else _values(keys.get(key))
    before = re.match(r"(.*[\[,])?", value)[0]  # type: ignore[index]  # one of several
    return {f"{word}={before}{one}" for one in known if one.startswith(value[len(before) :])}


_DIRS = ("--config-dir", "-cd")


def _keys(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if not prefix and name in PLUMBING:
            continue
        if isinstance(value, Mapping) and value:
            yield from _keys(value, f"{prefix}{name}.")
        elif name != "defaults":
            yield f"{prefix}{name}", value


def _values(default: object) -> set[str]:
    return {"true", "false"} if isinstance(default, bool) else set()
