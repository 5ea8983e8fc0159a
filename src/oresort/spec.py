"""Objects from plain dicts, such as a configuration or a checkpoint holds.

The rooms share this step, so that nothing a user hands in is ever called unless it is of the kind asked for.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any, TypeVar

from oresort.errors import InputError

T = TypeVar("T")


def make(spec: Mapping[str, Any], base: type[T], **extra: Any) -> T:
    """Build what `spec` describes: `{"_target_": "package.module.Class", **keywords}`.

    Nothing but a subclass of `base` is ever called, so a checkpoint from a stranger can at most import a
    module that is installed here.

    Args:
        spec: the class by its dotted path, and its keywords.
        base: what the class must derive from.
        extra: keywords that the caller sets, and `spec` must not.

    Raises:
        InputError: no such subclass (the message lists the known ones), or a keyword that is unknown,
            missing or set by the caller.
    """
    keywords = dict(spec)
    target = keywords.pop("_target_", None)
    cls = _find(target)
    if not (isinstance(cls, type) and issubclass(cls, base)) or inspect.isabstract(cls):
        known = ", ".join(sorted(f"{c.__module__}.{c.__qualname__}" for c in _subclasses(base)))
        raise InputError(f"_target_={target}: no such {base.__name__.lower()}; known: {known}")

    accepted = inspect.signature(cls).parameters
    own = [key for key in accepted if key not in extra]
    if any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        own += keywords  # the class checks them itself
    for key in keywords:
        if key not in own:
            raise InputError(f"{target}: unknown key {key!r}; accepted: {', '.join(own) or 'none'}")
    for key in own:
        if accepted[key].default is inspect.Parameter.empty and key not in keywords:
            raise InputError(f"{target}: key {key!r} is missing")
    return cls(**keywords, **extra)


def _find(target: object) -> object:
    if not isinstance(target, str):
        return None
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except (ImportError, TypeError, ValueError):  # no such module, a relative name, no module at all
        return None


def _subclasses(base: type[T]) -> set[type[T]]:
    # a class is known once its module is imported; the base's neighbours are
    package = importlib.import_module(base.__module__.rpartition(".")[0])
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    found: set[type[T]] = set()
    waiting = [base]
    while waiting:
        children = waiting.pop().__subclasses__()
        found.update(children)
        waiting += children
    return found
