"""The text behind `--help`: the configuration files themselves, whose comments explain every key."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from oresort.paths import CONF_DIR

_PLUMBING = ("defaults", "hydra")


def usage(name: str, doc: str, words: Iterable[str] = ()) -> str:
    """Return the help of command `name`: purpose `doc`, every key with its default and meaning, every choice.

    Of each group it explains the file that the words of the command line choose, as `model/head=mlp` does.
    """
    file = CONF_DIR / f"{name}.yaml"
    content = _read(file)
    picked = {key: _value(value) for key, _, value in (w.lstrip("+").partition("=") for w in words)}
    list(_chosen(content["defaults"], "", picked))  # gathers what chosen files choose instead
    chosen = list(_chosen(content["defaults"], "", picked))
    groups = [*dict.fromkeys(group for group, _ in chosen), *_added(chosen)]
    parts = [doc.strip(), f"usage: python -m oresort.{name} key=value ..."]
    parts += ["Keys and their defaults:", "\n".join(_lines(file))]
    if keys := list(_file_keys(chosen)):
        parts += ["Keys of the chosen files:", *keys]
    if groups:
        choices = "\n".join(line for group in groups for line in _choices(group, chosen))
        parts += ["Choices, each a file in conf/ (*: chosen):", choices]
    more = "\n".join(_words(name, "sweep" in content.get("hydra", {}), bool(groups)))
    return "\n\n".join([*parts, "More words:", more])


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text  # a path, say: no choice of a group


def _words(name: str, sweep: bool, groups: bool) -> Iterator[str]:
    yield "  'key=any sign'     quoted for the shell alone: names are taken as they stand, but for null and ${...}"
    if sweep:
        yield "  -m key=a,b         run every combination, a sweep"
    if groups:
        yield "  GROUP.KEY=value    hand on a keyword that a chosen file does not list, as optim.betas=[0.9,0.95]"
        yield "  --config-dir DIR   add your own choices: files in DIR, in folders named as those of conf/"
    yield "  --cfg job          print the composed configuration and do nothing"
    program = f"oresort-{name.replace('_', '-')}"
    yield f'  eval "$({program} -sc install=bash)"   complete the words of {program} by Tab'


def _read(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def _chosen(defaults: list[Any], group: str, picked: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
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
                    yield from _chosen(_read(file).get("defaults", []), path, picked)


def _path(key: str, group: str) -> str:
    name = key.removeprefix("override ").split("@")[0]
    return name.strip("/") if name.startswith("/") or not group else f"{group}/{name}"


def _added(chosen: list[tuple[str, str | None]]) -> Iterator[str]:
    """Yield the groups whose files are added with `+`: those that choose for this command, and it not them."""
    own = {group for group, _ in chosen}
    for folder in sorted({file.parent for file in CONF_DIR.glob("*/*.yaml")} - {CONF_DIR / g for g in own}):
        entries = [e for file in folder.glob("*.yaml") for e in _read(file).get("defaults", []) if isinstance(e, dict)]
        if any(key.startswith("override ") and _path(key, "") in own for entry in entries for key in entry):
            yield folder.name


def _choices(group: str, chosen: list[tuple[str, str | None]]) -> Iterator[str]:
    default = [choice for path, choice in chosen if path == group]
    for file in sorted((CONF_DIR / group).glob("*.yaml")):
        word = f"{'' if default else '+'}{group}={file.stem}"
        mark = "*" if file.stem in default else " "
        yield f" {mark}{word:<32} {_purpose(file)}"


def _purpose(file: Path) -> str:
    comments = (line[1:].strip() for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    return next((text for text in comments if not text.startswith("@package")), "")


def _file_keys(chosen: list[tuple[str, str | None]]) -> Iterator[str]:
    for group, choice in chosen:
        file = CONF_DIR / group / f"{choice}.yaml"
        if choice and (lines := _lines(file)):
            everywhere = "@package _global_" in file.read_text(encoding="utf-8")
            head = f"{group}={choice}" + ("" if everywhere else f", keys of {group.replace('/', '.')}")
            yield "\n  ".join([f"{head}:", *lines])


def _lines(file: Path) -> list[str]:
    """Return a file's lines from its first key on, without plumbing."""
    text = file.read_text(encoding="utf-8")
    node, lines = yaml.compose(text, Loader=yaml.SafeLoader), text.splitlines()
    keys = [key for key, _ in node.value] if node else []
    starts = [key.start_mark.line for key in keys] + [len(lines)]
    return [
        line
        for key, start, end in zip(keys, starts, starts[1:], strict=False)
        if key.value not in _PLUMBING
        for line in lines[start:end]
        if line and not line.startswith("# ---")
    ]
