"""Hydra reads conf/ once a process: what the same choices of groups come to is kept, and copied.

A command composes some twenty files, a tenth of a second, and tests run a thousand commands. Words that choose a group
are what this depends on; values are set in the copy, as ever, and so is all that Hydra notes of the run. Folders of
`hydra.searchpath` are read each time, and an error is kept by nobody. Of choices that are new, each file is read once,
and the table in which Hydra looks up what a list of defaults names by `${}` is made for those that do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from hydra._internal import config_loader_impl, defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import InputDefault
from hydra.plugins.config_source import ConfigLoadError, ConfigSource
from omegaconf import DictConfig, OmegaConf

from oresort.paths import CONF_DIR

_OWN = (("pkg", "hydra.conf"), ("file", str(CONF_DIR)), ("structured", ""))
_PLACES = {
    "list": (config_loader_impl, "create_defaults_list"),
    "config": (ConfigLoaderImpl, "_compose_config_from_defaults_list"),
    "folders": (ConfigLoaderImpl, "_process_config_searchpath"),
    "file": (ConfigRepository, "load_config"),
    "table": (defaults_list, "_create_interpolation_map"),
    "name": (InputDefault, "_resolve_interpolation_impl"),
}
_plain: dict[str, Callable[..., Any]] = {name: getattr(*place) for name, place in _PLACES.items()}

_lists: dict[tuple[Any, ...], DefaultsList] = {}
_configs: dict[tuple[Any, ...], DictConfig] = {}
_files: dict[str, Any] = {}
_without_folders: set[str | None] = set()
_nodes: dict[int, Any] = {}  # so that none gets the number of another that has gone


def begin() -> None:
    """Keep what is composed from here on."""
    _put({name: globals()[f"_known_{name}"] for name in _PLACES})


@contextmanager
def as_ever() -> Iterator[None]:
    """Let Hydra read everything anew, as a process that has just begun does."""
    kept = {name: getattr(*place) for name, place in _PLACES.items()}
    _put(_plain)
    try:
        yield
    finally:
        _put(kept)


def _put(functions: dict[str, Callable[..., Any]]) -> None:
    for name, (owner, attribute) in _PLACES.items():
        setattr(owner, attribute, functions[name])


def _own(repo: Any) -> bool:
    return all((source.scheme(), source.path) in _OWN for source in repo.get_sources())


def _known_folders(self: ConfigLoaderImpl, config_name: str | None, parsed_overrides: Sequence[Any], repo: Any) -> None:
    named = any(word.get_key_element() == "hydra.searchpath" for word in parsed_overrides)
    if not named and config_name in _without_folders:
        return
    _plain["folders"](self, config_name, parsed_overrides, repo)
    if not named and _own(repo):
        _without_folders.add(config_name)


def _known_list(
    repo: Any, config_name: str | None, overrides_list: Sequence[Any], prepend_hydra: bool, skip_missing: bool
) -> DefaultsList:
    plain = [word for word in overrides_list if not word.is_sweep_override()]
    groups = tuple(word.input_line for word in plain if repo.group_exists(word.key_or_group))
    key = (config_name, groups, prepend_hydra, skip_missing, _stored(config_name))
    if not _own(repo):
        return _plain["list"](repo, config_name, overrides_list, prepend_hydra, skip_missing)
    if key not in _lists:
        _lists[key] = _plain["list"](repo, config_name, overrides_list, prepend_hydra, skip_missing)
    known = _lists[key]
    overrides = Overrides(repo=repo, overrides_list=list(overrides_list))
    overrides.known_choices = dict(known.overrides.known_choices)
    return DefaultsList(
        defaults=known.defaults,
        defaults_tree=known.defaults_tree,
        config_overrides=overrides.config_overrides,
        overrides=overrides,
    )


def _known_config(self: ConfigLoaderImpl, defaults: list[Any], repo: Any) -> DictConfig:
    if not _own(repo):
        return _plain["config"](self, defaults, repo)
    stored = [_stored(entry.config_path) for entry in defaults]
    key = tuple(
        (entry.config_path, entry.parent, entry.package, entry.is_self, entry.primary, node)
        for entry, node in zip(defaults, stored, strict=True)
    )
    if key not in _configs:
        _configs[key] = _plain["config"](self, defaults, repo)
    return deepcopy(_configs[key])


def _known_file(self: ConfigRepository, config_path: str) -> Any:
    if _stored(config_path) or not _own(self):
        return _plain["file"](self, config_path)
    if config_path not in _files:
        _files[config_path] = _plain["file"](self, config_path)
    return deepcopy(_files[config_path])


class _Table:
    """Makes Hydra's table of what has been chosen when somebody asks for it."""

    def __init__(self, chosen: Overrides, *rest: Any) -> None:
        self.words = (chosen, *rest)
        self.made: DictConfig | None = None


def _known_table(*words: Any) -> _Table:
    return _Table(*words)


def _known_name(self: InputDefault, table: _Table, value: str | None) -> str:
    if table.made is None:
        table.made = _plain["table"](*table.words)
    name: str = _plain["name"](self, table.made, value)
    return name


def _stored(path: str | None) -> object:
    """What the program itself has put under a name, by its dataclass: commands do so again and again."""
    try:
        node = ConfigStore.instance()._load(ConfigSource._normalize_file_name(path or "")).node
    except ConfigLoadError:
        return None
    kind = OmegaConf.get_type(node)
    return kind if kind not in (dict, list, None) else id(_nodes.setdefault(id(node), node))
