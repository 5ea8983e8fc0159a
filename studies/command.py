"""The command line of every study: `python -m studies.NAME key=value ...`."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import pandas as pd
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from oresort.console.compose import composed, explained
from oresort.console.show import show
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.sweep import register_resolvers

T = TypeVar("T")


def run_study(schema: type[T], function: Callable[[T], pd.DataFrame], words: Sequence[str] | None = None) -> None:
    """Call `function` on the options of the command line and show its table; bad input ends in one line.

    Args:
        schema: dataclass of the options. A field without a default must be given; `--help` prints its source.
        function: the study; returns its summary.
        words: `key=value` each, lists as `seeds=[0,1]`; the process's own words if None.
    """
    words = sys.argv[1:] if words is None else words
    purpose = (sys.modules[schema.__module__].__doc__ or "").strip()
    if {"-h", "--help"} & set(words):
        keys = [line for line in inspect.getsource(schema).splitlines() if line.startswith("    ")]
        print(purpose, "Keys:", "\n".join(keys), sep="\n\n")
        return
    try:
        if bare := [word for word in words if "=" not in word]:
            raise InputError(f"{bare[0]}: give options as key=value")
        given = OmegaConf.merge(OmegaConf.structured(schema), OmegaConf.from_dotlist(list(words)))
        options = OmegaConf.to_object(given)
        assert isinstance(options, schema)
        show(function(options).round(3), purpose.split("\n")[0])
    except InputError as error:
        sys.exit(f"error: {error}; --help lists every key")
    except OmegaConfBaseException as error:
        sys.exit(f"error: {explained(error, schema)}")


def compose(*words: str) -> TrainConfig:
    """Return what `python -m oresort.train` with these words would run."""
    register_resolvers()
    return composed("train", TrainConfig, *words)


def oresort(verb: str, *words: str) -> None:
    """Run one of the project's commands in a process of its own; InputError if it fails, below its own message."""
    command = ["-m", f"oresort.{verb}", *words]
    if subprocess.run([sys.executable, *command], check=False).returncode:
        raise InputError(f"python {' '.join(command)} failed (above)")
