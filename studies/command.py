"""The command line of every study: `python -m studies.NAME key=value ...`."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd
from matplotlib.figure import Figure
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from oresort.console.compose import composed
from oresort.console.messages import explained
from oresort.console.show import show
from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.learn.config import TrainConfig
from oresort.learn.sweep import register_resolvers

T = TypeVar("T")


def run_study(schema: type[T], function: Callable[[T], pd.DataFrame], words: Sequence[str] | None = None) -> None:
    """Call `function` on the options of the command line and show its table; bad input ends in one line.

    `schema` is the options' dataclass, whose source `--help` prints; `words` are `key=value` each, lists as
    `seeds=[0,1]`, and the process's own if None.
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
        options = OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.from_dotlist(list(words))))
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


def save(out: Path, results: Mapping[str, pd.DataFrame | Figure], digits: str = "%.4g") -> None:
    """Write tables, floats with `digits`, and figures to their files in `out`, each whole or not at all."""
    for name, result in results.items():
        with replacing(out / name) as temporary:
            if isinstance(result, Figure):
                result.savefig(temporary)
            else:
                result.to_csv(temporary, index=False, float_format=digits)


def oresort(verb: str, *words: str) -> None:
    """Run one of the project's commands in a process of its own; InputError if it fails, below its own message."""
    command = ["-m", f"oresort.{verb}", *words]
    if subprocess.run([sys.executable, *command], check=False).returncode:
        raise InputError(f"python {' '.join(command)} failed (above)")
