"""What every command shares: help, a composed configuration, failure in one line."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

from oresort.console.complete import answer
from oresort.console.extras import needing
from oresort.console.signals import stoppable
from oresort.console.unheard import going_on_unheard
from oresort.console.usage import usage
from oresort.errors import InputError, Interrupted, of_the_disk, one_line

_said: set[str] = set()  # warnings of this run

REQUIRED = "???"  # OmegaConf's mark of a value that the user must give


def run_command(
    name: str, doc: str | None, schema: type | Callable[[], type], function: Callable[[Any], object]
) -> None:
    """Run `function` on the composed `conf/<name>.yaml`, or print its help, which begins with `doc`, or its completion.

    Bad input, a package that is not installed and a disk that cannot be written to end the process with 1 and one line
    on stderr, signals with 128 and their number; all else that is raised is our defect and keeps its stack trace.
    `schema` is the dataclass that `function` takes, or what imports it where that is slow. Nobody has to read what is
    printed.
    """
    with going_on_unheard():
        _run_command(name, doc, schema, function)


def _run_command(
    name: str, doc: str | None, schema: type | Callable[[], type], function: Callable[[Any], object]
) -> None:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(usage(name, doc or "", sys.argv[1:]))
        return
    if (text := answer(name, sys.argv[1:])) is not None:
        print(text)
        return
    # only now, so that help and completion come at once
    from oresort.console.compose import compose_and_run

    warnings.showwarning = _show_warning
    _said.clear()
    try:
        with stoppable(), needing():
            failures = compose_and_run(name, schema if isinstance(schema, type) else schema(), function)
    except InputError as error:
        failures = [error]
    except KeyboardInterrupt as error:
        stopped = error if isinstance(error, Interrupted) else Interrupted()
        print(f"error: {one_line(stopped)}", file=sys.stderr)
        sys.exit(stopped.code)
    except OSError as error:
        if (known := of_the_disk(error)) is None:
            raise
        failures = [known]
    for failure in failures:
        print(f"error: {one_line(failure)}", file=sys.stderr)
    if failures:
        sys.exit(1)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    text = one_line(message) if isinstance(message, Warning) else message
    if text not in _said:  # libraries forget what was said whenever a filter changes
        _said.add(text)
        print(f"warning: {text}", file=sys.stderr)
