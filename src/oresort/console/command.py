"""What every command shares: compose the configuration, run one function, report failure in one line."""

import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from oresort.console.usage import usage
from oresort.errors import InputError
from oresort.paths import CONF_DIR

REQUIRED = "???"  # OmegaConf's mark of a value that the user must give


def one_line(error: BaseException) -> str:
    """Return an error's message as one line, without the lines that only help debug OmegaConf."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [
        line for line in lines if line and not line.startswith(("full_key", "object_type", "reference_type"))
    ]
    keys = re.findall(r"full_key: (\S+)", str(error))
    text = " ".join(kept).removesuffix(".")
    if keys and keys[0] not in text:
        text = f"{keys[0]}: {text}"
    return text


def register(name: str, schema: type) -> None:
    """Make a command's dataclass the typed base of its configuration, under the name `<name>_schema`."""
    ConfigStore.instance().store(name=f"{name}_schema", node=schema)


def typed(cfg: DictConfig) -> Any:
    """Return the configuration as its dataclass, resolved; a missing or ill-typed value is an InputError."""
    try:
        return OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise InputError(f"configuration: {one_line(error)}; --help lists every key") from error


def run_command(
    name: str, schema: type, function: Callable[[Any], object], after: Callable[[], None] | None = None
) -> None:
    """Run `function` on the composed `conf/<name>.yaml`, and end the process with 1 if it fails.

    `function` takes an instance of `schema`; `after` is called once all is done, and may fail as well. Bad
    input ends in one line on stderr; anything else that is raised is a defect of ours and keeps its stack trace.
    """
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(usage(name))
        return
    register(name, schema)
    failures: list[InputError] = []

    def task(cfg: DictConfig) -> object:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return function(typed(cfg))
        try:
            return function(typed(cfg))
        except InputError as error:
            # caught here because Hydra would put a line of its own above it
            failures.append(error)
            return None

    warnings.showwarning = _show_warning
    # conf/hydra/launcher/ray.yaml is whole; that the plugin's has the same name does not matter to anybody
    warnings.filterwarnings(
        "ignore", message=r"\s*'hydra/launcher/ray' is validated against ConfigStore schema"
    )
    # Hydra's own short form hides the exception that tells bad input from a defect
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name=name)(task)()
        if after is not None:
            after()
    except InputError as error:
        failures.append(error)
    except (HydraException, OmegaConfBaseException) as error:
        failures.append(InputError(f"{one_line(error)}; `python -m oresort.{name} --help` lists every key"))
    except RuntimeError as error:
        if not str(error).startswith("Unknown plugin class"):
            raise
        failures.append(InputError(f"{one_line(error)}; install the extra that its file in conf/hydra names"))
    for failure in failures:
        print(f"error: {one_line(failure)}", file=sys.stderr)
    if failures:
        sys.exit(1)


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    print(f"warning: {one_line(message) if isinstance(message, Warning) else message}", file=sys.stderr)


def overrides() -> Sequence[str]:
    """Return the `key=value` words of the command line of the running Hydra job."""
    return list(HydraConfig.get().overrides.task)
