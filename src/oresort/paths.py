"""Where the configuration lives, and what one of its files says."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent


def _conf_dir() -> Path:
    # installed wheel: beside the package; checkout or editable install: at the repository's root
    for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError("oresort: no conf/ beside the package or at the repository's root; reinstall")


CONF_DIR = _conf_dir()


def version_of(package: str) -> str | None:
    """Return a package's version; of this one, run from its source tree, marked so; None if it is not here."""
    try:
        return version(package)
    except PackageNotFoundError:
        project = _PACKAGE.parents[1] / "pyproject.toml"
        if package != "oresort" or not project.is_file():
            return None
        found = re.search(r'^version = "(.+)"', project.read_text(encoding="utf-8"), re.MULTILINE)
        return f"{found[1]} (source tree)" if found else None


def choices(group: str, conf: str | Path = CONF_DIR) -> list[str]:
    """Return the names of the files of a group, such as `model/fusion`, sorted."""
    return sorted(path.stem for path in (Path(conf) / group).glob("*.yaml"))


def part(group: str, name: str, conf: str | Path = CONF_DIR, **changed: Any) -> dict[str, Any]:
    """Return the plain dict of one file of a group, such as `model/fusion`, `hybrid`, with some keys `changed`.

    The choices in its own list of defaults are filled in; what it interpolates has the default that it names.
    """
    from omegaconf import OmegaConf

    loaded: Any = OmegaConf.to_container(OmegaConf.load(Path(conf) / group / f"{name}.yaml"), resolve=True)
    found: dict[str, Any] = {}
    for entry in loaded.pop("defaults", []):
        if isinstance(entry, dict):  # a group of its own, such as basis: chebyshev
            found |= {key: part(f"{group}/{key}", value, conf) for key, value in entry.items()}
        elif entry != "_self_":  # a file beside it
            found |= part(group, entry, conf)
    return {**found, **loaded, **changed}
