"""Hydra: the configuration of a command, composed and typed, and its errors in the words of the user."""

import difflib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from traceback import walk_tb
from typing import Any, TypeVar, get_type_hints

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from oresort.console.words import readable
from oresort.errors import InputError, one_line
from oresort.make import trust
from oresort.paths import CONF_DIR, choices

T = TypeVar("T")


def register(name: str, schema: type) -> None:
    """Make a command's dataclass the typed base of its configuration, under the name `<name>_schema`."""
    ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    # the first of some values that is neither null nor empty
    OmegaConf.register_new_resolver(
        "first", lambda *values: next(v for v in values if v not in (None, "")), replace=True
    )


def overrides() -> Sequence[str]:
    """Return the `key=value` words of the command line of the running Hydra job."""
    return list(HydraConfig.get().overrides.task)


def typed(cfg: DictConfig) -> Any:
    """Return the configuration as its dataclass, resolved; InputError for a key or a value that it does not have."""
    schema = OmegaConf.get_type(cfg)
    for key in _unknown(cfg, ""):
        raise _no_such(key, schema)
    try:
        return OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise explained(error, schema) from error


def composed(name: str, schema: type[T], *words: str) -> T:
    """Return what `python -m oresort.<name>` with these words would run, for callers that are no command."""
    register(name, schema)
    with hydra.initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        cfg: T = typed(hydra.compose(name, overrides=readable(words, schema)))
    return cfg


def compose_and_run(name: str, schema: type, function: Callable[[Any], object]) -> list[InputError]:
    """Run `function` on the typed `conf/<name>.yaml`, once or as a sweep; return what the input had wrong."""
    register(name, schema)
    sys.argv[1:] = readable(sys.argv[1:], schema)  # where Hydra, and processes that it starts, look for them
    failures: list[InputError] = []

    def task(cfg: DictConfig) -> object:
        try:
            made = typed(cfg)
            trust(*getattr(made, "modules", ()))
            return function(made)
        except InputError as error:
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            # caught here because Hydra would put a line of its own above it
            failures.append(error)
            return None

    # a launcher's file here may bear the name of the plugin's own, and stands in for it
    warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/\w+' is validated against ConfigStore")
    # Hydra's own short form hides the exception that tells bad input from a defect
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name=name)(task)()
    except (HydraException, OmegaConfBaseException) as error:
        raise explained(error, schema) from error
    except RuntimeError as error:
        if not _of_hydra(error):
            raise
        raise InputError(f"{one_line(error)}; install the extra that its file in conf/hydra names") from error
    return failures


def explained(error: Exception, schema: type | None) -> InputError:
    """Return an error of Hydra or OmegaConf as one line: the key, what is wrong, and the mend."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        extra = "; or install the extra that its file in conf/hydra names" if group.startswith("hydra/") else ""
        return InputError(
            f"{group}={choice}: no such choice; known are {', '.join(error.options or choices(group))}{extra}"
        )
    if isinstance(error, OverrideParseException):
        return InputError(f"{error.override!r}: not a word that can be read; write key=value")
    # Hydra names the word and hides what was wrong with it
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    key = str(getattr(cause, "full_key", None) or "")
    if isinstance(cause, MissingMandatoryValue):
        return InputError(f"{key}: missing; give it as {key}=VALUE, --help explains it")
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        if cause.object_type is not dict:
            return _no_such(key, schema)
        parent = key.rpartition(".")[0]  # a free dict: what is built of it judges its keys
        return InputError(f"{key}: {parent} lists no such key; +{key}=VALUE hands it on all the same")
    # OmegaConf adds lines that help debug OmegaConf
    text = one_line(Exception(str(cause).split("\n")[0])) if key else one_line(cause)
    group = key.replace(".", "/")
    if key and (CONF_DIR / group).is_dir():
        text += f"; a file of conf/{group} is chosen as {group}={getattr(cause, 'value', 'NAME')}"
    return InputError(f"{key + ': ' if key else ''}{text.removesuffix('.')}; --help lists every key")


def _unknown(cfg: DictConfig, prefix: str) -> Iterator[str]:
    """Yield the dotted keys of `cfg` that its dataclasses do not have; a plain dict may hold any."""
    schema = OmegaConf.get_type(cfg)
    known = {field.name for field in fields(schema)} if schema and is_dataclass(schema) else None
    for name in cfg:
        key = str(name)
        if known is not None and key not in known:
            yield f"{prefix}{key}"
        elif OmegaConf.is_missing(cfg, key) or OmegaConf.is_interpolation(cfg, key):
            continue
        elif isinstance(child := cfg[key], DictConfig):
            yield from _unknown(child, f"{prefix}{key}.")


def _no_such(key: str, schema: type | None) -> InputError:
    known = list(_keys(schema, "")) + [folder.relative_to(CONF_DIR).as_posix() for folder in CONF_DIR.rglob("*/")]
    near = [k for k in known if k.endswith(f".{key}")] or difflib.get_close_matches(key, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return InputError(f"{key}: no such key; {guess}--help lists every key")


def _keys(schema: object, prefix: str) -> Iterator[str]:
    if isinstance(schema, type) and is_dataclass(schema):
        for name, kind in get_type_hints(schema).items():
            yield f"{prefix}{name}"
            yield from _keys(kind, f"{prefix}{name}.")


def _of_hydra(error: BaseException) -> bool:
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("hydra.")
