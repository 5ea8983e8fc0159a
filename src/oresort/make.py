"""Objects from plain dicts: only classes of the kind asked for are called, and only trusted modules imported."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from oresort.console.check import checked
from oresort.errors import InputError, one_line

T = TypeVar("T")

_RELATED = {"torch": ("timm",)}  # libraries that also derive from the classes of another
_trusted: set[str] = set()


def trust(*names: str) -> None:
    """Allow modules, with what is below them, or single classes: what the user has named, never a checkpoint."""
    _trusted.update(names)


def targets(config: object) -> Iterator[str]:
    """Return every `_target_` in a nested configuration."""
    if isinstance(config, Mapping):
        if isinstance(target := config.get("_target_"), str):
            yield target
        for value in config.values():
            yield from targets(value)


def make(spec: Mapping[str, Any], base: type[T], **extra: Any) -> T:
    """Build what `spec` describes, `{"_target_": "package.module.Class", **keywords}`, a subclass of `base`.

    Raises:
        InputError: what `find` refuses, or a keyword that is unknown, missing, set by the caller (`extra`), of another
            type or range than its annotation allows, or refused by a class of a library.
    """
    if not isinstance(spec, Mapping):
        raise InputError(f"{base.__name__.lower()}: {spec!r} is no mapping with a _target_; choose a file of its group")
    keywords = dict(spec)
    target = keywords.pop("_target_", None)
    cls = find(target, base)
    signature = inspect.signature(cls)
    own = ", ".join(key for key in signature.parameters if key not in extra) or "none"
    if taken := keywords.keys() & extra:
        raise InputError(f"{target}: {min(taken)!r} is not set by hand; accepted: {own}")
    try:
        signature.bind(**keywords, **extra)
    except TypeError as error:
        raise InputError(f"{target}: {error}; accepted: {own}") from None
    keywords = checked(target, cls, keywords)
    try:
        return cls(**keywords, **extra)
    except Exception as error:
        home = _package(base.__module__)
        if home == "oresort" or _package(cls.__module__) not in (home, *_RELATED.get(home, ())):
            raise  # ours say InputError, and of a user's own class the stack trace is wanted
        given = ", ".join(f"{key}={value!r}" for key, value in keywords.items())
        raise InputError(f"{target}({given}): {one_line(error)}; accepted: {own}") from error


def find(target: object, *bases: type[T]) -> type[T]:
    """Return the class `target`, a dotted path, once it is known to be a concrete subclass of one of `bases`.

    Raises:
        InputError: a module that neither this package, the library of the bases nor the user has brought (it is
            not imported), or no such subclass (the message lists the known ones).
    """
    cls = why = None
    if isinstance(target, str) and all(part.isidentifier() for part in target.split(".")):
        module, _, name = target.rpartition(".")
        if _allowed(target, bases):
            cls = _imported(module, name)
        elif module:
            why = f"not imported, since you did not name it; if it is yours, add modules=[{_package(target)}]"
    if not (isinstance(cls, type) and issubclass(cls, bases)) or inspect.isabstract(cls):
        names = {f"{c.__module__}.{c.__qualname__}" for base in bases for c in _subclasses(base)}
        known = "known: " + ", ".join(sorted(name for name in names if _allowed(name, bases)))
        no = f"_target_={target}: no such {bases[0].__name__.lower()}"
        raise InputError("; ".join(filter(None, (no, why, known))))
    return cls


def _package(module: str) -> str:
    return module.partition(".")[0]


def _allowed(target: str, bases: tuple[type, ...]) -> bool:
    # a module such as __main__ acts when it is imported, whoever wrote it
    private = any(part.startswith("_") for part in target.split("."))
    homes = {_package(base.__module__) for base in bases}
    known = {"oresort", *homes}.union(*(_RELATED.get(home, ()) for home in homes))
    ours = not private and _package(target) in known
    return ours or any(f"{target}.".startswith(f"{name}.") for name in _trusted)


def _imported(module: str, name: str) -> object:
    try:
        return getattr(importlib.import_module(module), name, None) if module else None
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and what it needs is not
        return None


def _subclasses(base: type[T]) -> set[type[T]]:
    # a class is known once its module is imported: look through our own; a big library takes half a minute
    if (package := sys.modules[base.__module__].__package__) and _package(package) == "oresort":
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    found = [base]
    for cls in found:  # grows as it is walked
        found += cls.__subclasses__()
    own = _package(base.__module__) == "oresort"  # a base of a library is no class to choose
    return {cls for cls in (found[1:] or (found if own else [])) if not inspect.isabstract(cls)}
