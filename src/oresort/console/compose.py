"""Hydra: the configuration of a command, composed and typed, and its errors in the words of the user."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from traceback import walk_tb
from typing import Any, TypeVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from oresort.console import started
from oresort.console.check import check
from oresort.console.command import REQUIRED
from oresort.console.extras import needing
from oresort.console.messages import explained, no_such
from oresort.console.words import readable
from oresort.errors import InputError, of_the_disk, one_line
from oresort.make import trust
from oresort.paths import CONF_DIR

T = TypeVar("T")


def register(name: str, schema: type) -> None:
    """Make a command's dataclass the typed base of its configuration, under the name `<name>_schema`."""
    ConfigStore.instance().store(name=f"{name}_schema", node=_base(schema))
    # the first of some values that is neither null nor empty
    OmegaConf.register_new_resolver(
        "first", lambda *values: next(v for v in values if v not in (None, "")), replace=True
    )


@cache
def _base(schema: type) -> DictConfig:
    return _opened(OmegaConf.structured(schema))


def _opened(node: DictConfig) -> DictConfig:
    """Let keys be added to every plain dict without a plus; what is built of a dict judges its keys."""
    for name in node:
        child = node._get_node(name)
        if isinstance(child, DictConfig) and OmegaConf.get_type(child) is dict:
            OmegaConf.set_struct(child, False)
        elif isinstance(child, DictConfig):
            _opened(child)
    return node


def overrides() -> Sequence[str]:
    """Return the `key=value` words of the command line of the running Hydra job."""
    return list(HydraConfig.get().overrides.task)


def typed(cfg: DictConfig) -> Any:
    """Return the configuration as its dataclass, resolved; InputError for a key or a value that it does not allow."""
    schema = OmegaConf.get_type(cfg)
    for key in _unknown(cfg, ""):
        raise no_such(key, schema)
    try:
        made = OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise explained(error, schema) from error
    _check_given(made, "")
    check(made)
    return made


def composed(name: str, schema: type[T], *words: str) -> T:
    """Return what `python -m oresort.<name>` with these words would run, for callers that are no command.

    Raises:
        InputError: a word that the command would refuse.
    """
    register(name, schema)
    try:
        with hydra.initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            cfg: T = typed(hydra.compose(name, overrides=readable(words, schema)))
    except (HydraException, OmegaConfBaseException) as error:
        raise explained(error, schema) from error
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
            with needing():
                return function(made)
        except (InputError, OSError) as caught:
            error = caught if isinstance(caught, InputError) else of_the_disk(caught)
            if error is None:
                raise
            # caught here because Hydra would put a line of its own above it
            if HydraConfig.get().mode != RunMode.MULTIRUN:
                failures.append(error)
            elif multiprocessing.current_process().name == "MainProcess":
                failures.append(InputError(f"{error} (job {' '.join(overrides())})"))  # and the other jobs go on
            else:
                raise error from caught  # to the process that started this one
            return None

    task.__module__ = f"oresort.{name}"  # the job's name, for launchers
    # a launcher's or sweeper's file here may bear the name of a plugin's own, and stands in for it
    warnings.filterwarnings("ignore", message=r"\s*'hydra/(launcher|sweeper)/\w+' is validated against ConfigStore")
    # Hydra's own short form hides the exception that tells bad input from a defect
    os.environ["HYDRA_FULL_ERROR"] = "1"
    started.clear()
    try:
        if not _ran_alone(name, task):
            hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name=name)(task)()
    except (HydraException, OmegaConfBaseException) as error:
        started.undo()
        raise explained(error, schema) from error
    except InputError:
        started.undo()
        raise
    except SystemExit:  # a sweep's own, after its table
        if not failures:
            raise
    except ValueError as error:
        started.undo()
        if not _of_hydra(error):
            raise
        raise InputError(f"{' '.join(sys.argv[1:])}: {one_line(error)}; --help lists every choice") from error
    except RuntimeError as error:
        if not _of_hydra(error):
            raise
        raise InputError(f"{one_line(error)}; install the extra that its file in conf/hydra names") from error
    if failures:
        started.undo()
    return failures


def _ran_alone(name: str, task: Callable[[DictConfig], object]) -> bool:
    """Run a job that is no sweep; tell whether it was one. `hydra.main` composes twice, to learn that alone."""
    began = False

    def beginning(cfg: DictConfig) -> object:
        nonlocal began
        # without its assertions Hydra would come here with a sweep, too
        began = HydraConfig.get().mode == RunMode.RUN
        return task(cfg) if began else None

    if any(word.startswith("-") for word in sys.argv[1:]):
        return False
    with hydra.initialize_config_dir(str(CONF_DIR), job_name=name, version_base="1.3"):
        job = GlobalHydra.instance().hydra
        assert job is not None
        try:
            job.run(name, task_function=beginning, overrides=sys.argv[1:])
        except Exception:  # of what is wrong before the job begins, and of sweeps, hydra.main knows more
            if began:
                raise
    return began


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


def _check_given(config: Any, prefix: str) -> None:
    """Refuse an empty text but where that is the default: it would be no file, the working folder, or any address."""
    for field in fields(config):
        key, value = f"{prefix}{field.name}", getattr(config, field.name)
        if is_dataclass(value):
            _check_given(value, f"{key}.")
        elif isinstance(value, str) and not value and field.default != "":
            mend = "" if field.default == REQUIRED else ", or leave it out"
            raise InputError(f"{key}={value}: empty; give it as {key}=VALUE{mend}")


def _of_hydra(error: BaseException) -> bool:
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith("hydra.")
