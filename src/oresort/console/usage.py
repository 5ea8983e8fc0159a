"""The text behind `--help`: the configuration files themselves, whose comments explain every key."""

import importlib
from pathlib import Path

from oresort.paths import CONF_DIR


def _purpose(file: Path) -> str:
    for line in file.read_text().splitlines():
        text = line.removeprefix("#").strip()
        if line.startswith("#") and not text.startswith("@package"):
            return text
    return ""


def _choices(group: Path) -> list[str]:
    name = group.relative_to(CONF_DIR).as_posix()
    prefix = "+" if name == "experiment" else ""
    return [f"  {prefix}{name}={file.stem:<14} {_purpose(file)}" for file in sorted(group.glob("*.yaml"))]


def usage(name: str) -> str:
    """Return the help of command `name`: purpose, every key with its default, every choice of a group."""
    doc = (importlib.import_module(f"oresort.{name}").__doc__ or "").strip()
    text = (CONF_DIR / f"{name}.yaml").read_text()
    # what stands above the marker is plumbing of the composition
    keys = text.split("# --- keys\n", 1)[-1].split("\nhydra:", 1)[0].rstrip()
    groups = [
        line.split(":")[0].strip(" -").removeprefix("override ").strip("/").split("@")[0]
        for line in text.split("# --- keys\n", 1)[0].splitlines()
        if line.strip().startswith("- ") and ":" in line
    ]
    if name == "train":
        groups.append("experiment")
    choices = [line for group in groups if group != "command" for line in _choices(CONF_DIR / group)]
    parts = [doc, f"usage: python -m oresort.{name} key=value ...", "Keys and their defaults:", keys]
    if choices:
        parts += [
            "Choices (each a file in conf/, whose keys can be overridden as GROUP.KEY=VALUE):",
            "\n".join(choices),
        ]
    return "\n\n".join(parts)
