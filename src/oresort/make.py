"""Objects from plain dicts, such as a configuration or a checkpoint holds.

The rooms share this step, so that nothing a user hands in is called unless it is of the kind asked for.
"""

import importlib
import inspect
import pkgutil
import sys
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

    signature = inspect.signature(cls)
    own = ", ".join(key for key in signature.parameters if key not in extra) or "none"
    if taken := keywords.keys() & extra:
        raise InputError(f"{target}: {min(taken)!r} is not set by hand; accepted: {own}")
    try:
        signature.bind(**keywords, **extra)
    except TypeError as error:
        raise InputError(f"{target}: {error}; accepted: {own}") from None
    return cls(**keywords, **extra)


def _find(target: object) -> object:
    if not isinstance(target, str) or target.startswith(".") or "." not in target:
        return None
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            return None
        raise  # the module is there, and what it needs is not


def _subclasses(base: type[T]) -> set[type[T]]:
    # a class is known once its module is imported: look through the base's neighbours
    if package := sys.modules[base.__module__].__package__:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    found: set[type[T]] = set()
    waiting = [base]
    while waiting:
        children = waiting.pop().__subclasses__()
        found.update(children)
        waiting += children
    return found
