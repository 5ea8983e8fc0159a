"""Checks of the numbers that a configuration hands to a module."""

from collections.abc import Sequence

from oresort.errors import InputError


def positive(key: str, value: int) -> int:
    """Return `value` where it is a whole number of at least 1; else raise InputError naming `key`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{key}={value!r}: give a whole number of at least 1")
    return value


def widths(key: str, values: Sequence[int], least: int = 0) -> tuple[int, ...]:
    """Return `least` or more widths as a tuple; raise InputError naming `key` unless all are at least 1."""
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) < least:
        raise InputError(f"{key}={values!r}: give a list of whole numbers, e.g. [64, 32]")
    return tuple(positive(key, value) for value in values)
