"""The one place where the types and ranges of a configuration's values are checked, by what stands beside the keys."""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from oresort.console.ranges import Rule, shown
from oresort.errors import InputError


def check(config: object, prefix: str = "") -> None:
    """Refuse values of a dataclass, nested ones too, that their keys do not allow; `prefix` stands before the keys.

    Raises:
        InputError: the first such value, a number that is not finite, or a text that nothing can be called by.
    """
    for name, kind in get_type_hints(type(config), include_extras=True).items():
        key, value = f"{prefix}{name}", getattr(config, name)
        if is_dataclass(value):
            check(value, f"{key}.")
            continue
        check_plain(key, value)
        if wrong := misfit(value, kind):
            raise InputError(f"{key}={shown(value)}: {wrong}")


def check_plain(key: str, value: object) -> None:
    """Refuse what no key takes, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            check_plain(f"{key}.{name}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_plain(key, inner)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{key}={value}: give a finite number")
    elif isinstance(value, int) and abs(value) > 2**63 - 1:
        raise InputError(f"{key}={value:.3g}: too large; give a number that fits into 64 bits")
    elif isinstance(value, str) and ("\0" in value or len(value) > 4_096):
        what = "holds a zero byte" if "\0" in value else f"has {len(value):,} letters"
        raise InputError(f"{key}={value[:20]!r}...: {what}; give a shorter name without it")


def kind_of(schema: object, key: str) -> Any:
    """Return the annotation of a dotted key, `Annotated` and all, or None where the dataclass does not tell."""
    for name in key.split("."):
        hints = get_type_hints(schema, include_extras=True) if isinstance(schema, type) and is_dataclass(schema) else {}
        schema = hints.get(name)
    return schema


def wanted(kind: Any) -> str:
    """Return what to give for a key of an annotation."""
    rules = [str(rule) for rule in getattr(kind, "__metadata__", ()) if isinstance(rule, Rule)]
    if is_dataclass(kind):
        return f"give its keys one by one: {', '.join(get_type_hints(kind))}"
    return rules[0] if rules else f"give {_named(kind)}"


def checked(target: object, cls: type, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a class, whole numbers as fractions where it wants these.

    Raises:
        InputError: a keyword that its annotation does not allow, or what `check_plain` refuses.
    """
    try:
        kinds = get_type_hints(getattr(cls, "__init__"), include_extras=True)  # noqa: B009
    except (AttributeError, NameError, TypeError):
        kinds = {}  # a name that is imported for type checkers alone
    defaults = inspect.signature(cls).parameters
    made = dict(keywords)
    for name, value in keywords.items():
        kind = kinds.get(name, Any)
        check_plain(f"{target}: {name}", value)
        if name in defaults and defaults[name].default is not value and (wrong := misfit(value, kind)):
            raise InputError(f"{target}: {name}={value!r}: {wrong}")
        if kind is float and isinstance(value, int):
            made[name] = float(value)
    return made


def misfit(value: object, kind: Any) -> str | None:
    """Return what to give in place of a value that an annotation does not allow, or None where it does.

    Whole numbers pass for fractions, lists for tuples; an annotation beyond plain values allows everything.
    """
    for rule in getattr(kind, "__metadata__", ()):
        if isinstance(rule, Rule):
            optional = value is None and NoneType in get_args(get_args(kind)[0])
            return None if optional or rule.allows(value) else str(rule)
    return None if _fits(value, kind) else wanted(kind)


def _fits(value: object, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if hasattr(kind, "__metadata__"):
        return misfit(value, kind) is None
    if kind is None or kind is NoneType:
        return value is None
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        parts = [one for one in inner if one is not Ellipsis]
        if isinstance(value, str) or not isinstance(value, Sequence):
            return False
        return len(parts) != 1 or all(_fits(one, parts[0]) for one in value)
    if isinstance(kind, type) and kind.__module__ != "typing":
        return isinstance(value, kind)
    return not isinstance(origin, type) or isinstance(value, origin)


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a name", NoneType: "null"}


def _named(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        names = [_named(one) for one in inner if one in _NAMES or get_origin(one)]
        return " or ".join(dict.fromkeys(names)) or "nothing"
    if origin is Literal:
        return ", ".join(shown(one) for one in inner)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        of = wanted(inner[0]).removeprefix("give ") if inner and hasattr(inner[0], "__metadata__") else ""
        return f"a list in brackets, each {of.replace('known are', 'one of')}" if of else "a list in brackets"
    return _NAMES.get(kind, str(getattr(kind, "__name__", kind)))
