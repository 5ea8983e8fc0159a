"""The words of a command line as typed, made readable for Hydra: paths may hold any sign."""

import re
from collections.abc import Sequence
from dataclasses import fields
from types import NoneType
from typing import Any, get_args

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException
from omegaconf.errors import GrammarParseError
from omegaconf.grammar_parser import parse

from oresort.console.check import kind_of
from oresort.console.command import REQUIRED
from oresort.errors import InputError
from oresort.paths import choices

_SWEEP = ("-m", "--multirun")
_TAKE_THE_NEXT = {
    "-c",
    "--cfg",
    "-p",
    "--package",
    "-cp",
    "--config-path",
    "-cn",
    "--config-name",
    "-cd",
    "--config-dir",
}
_OPTIONS = (
    *(name for name in sorted(_TAKE_THE_NEXT) if name.startswith("--")),
    *("--help", "--hydra-help", "--version", "--resolve", "--run", "--multirun", "--shell-completion"),
    *("--experimental-rerun", "--info"),
)
"""Hydra's, which may be shortened."""

_KEY = re.compile(r"\+{0,2}(?P<name>[\w./-]+)")


def readable(words: Sequence[str], schema: type) -> list[str]:
    """Return a command line's words so that Hydra reads what was typed, `schema` being the command's dataclass.

    A key of text takes its value as it stands, whatever signs are in it, but for `null`, what is quoted already and
    OmegaConf's interpolations; in a sweep commas part values. Of other keys, only what Hydra cannot read is quoted, if
    it may be text.

    Raises:
        InputError: a value that cannot be read all the same.
    """
    _check_form(words, schema)
    sweep = any(w == "-m" or (w[:3] == "--m" and "--multirun".startswith(w)) for w in words)
    sweep |= any(w.lower().startswith("hydra.mode=multi") for w in words)
    before = ("", *words)
    read = [w if b in _TAKE_THE_NEXT else _readable(w, schema, sweep) for b, w in zip(before, words, strict=False)]
    return sorted(read, key=lambda word: word not in _SWEEP)  # amid the keys Hydra takes it for their end


def _readable(word: str, schema: type, sweep: bool) -> str:
    if not word.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in word):
        raise InputError(f"{word!a}: not UTF-8; rename the file, or say what encoding the terminal has")
    key, equals, value = word.partition("=")
    match = _KEY.fullmatch(key)
    if not equals or match is None:
        return word
    kind = _kind(schema, match["name"])
    read = _read(word)
    _check_choice(word, match["name"], read)
    text, texts = kind in (str, None), kind == list[str] and value[:1] + value[-1:] == "[]"
    if kind is str and read is not None and not sweep and not _meant(value, read[0]):
        return f"{key}={_quoted(value)}"
    if read is not None:
        return word
    tries = []
    if sweep and {"'", '"'} & set(value):
        pass  # quoted by hand, where commas may stand in a value or between two
    elif text and (kind is str or value[:1] not in ("[", "{")):
        tries = [",".join(map(_quoted, value.split(","))) if sweep else _quoted(value)]
    elif texts:
        tries = [f"[{','.join(_quoted(part.strip()) for part in value[1:-1].split(','))}]"]
    for quoted in tries:
        if _read(f"{key}={quoted}") is not None:
            return f"{key}={quoted}"
    raise InputError(
        f"{word!r}: not a word that can be read; write key=value, odd values quoted twice: \"{key}='...'\""
    )


def _kind(schema: Any, key: str) -> Any:
    """Return the type of a dotted key, without None, or None where the dataclass does not tell."""
    kind = kind_of(schema, key)
    kind = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
    others = [one for one in get_args(kind) if one is not NoneType]
    if NoneType in get_args(kind) and len(others) == 1:
        kind = others[0]
    return None if kind is Any else kind


def _check_choice(word: str, group: str, read: tuple[Any] | None) -> None:
    """Refuse what cannot name a file of a group of conf/, which Hydra has no line for."""
    if read and isinstance(read[0], int | float | None) and (known := choices(group)):
        raise InputError(f"{word}: no such choice; known are {', '.join(known)}")


def _check_form(words: Sequence[str], schema: type) -> None:
    """Refuse a word that is no `key=value`, and say which key a bare path may be meant for."""
    flags = [word for word in words if word.startswith("-") and word not in _SWEEP]
    for word in flags:
        name = word.partition("=")[0]
        if name.startswith("--") and not any(option.startswith(name) for option in _OPTIONS):
            raise InputError(f"{word!r}: no such option; write key=value, without dashes; --help lists every key")
    for word in words if not flags else ():
        if word.startswith(("~", "-")) or ("=" in word and word[0] != "="):
            continue
        needed = [field.name for field in fields(schema) if field.default == REQUIRED]
        such = f"{needed[0]}={word}" if needed and "=" not in word else "key=value"
        raise InputError(f"{word!r}: not a word that can be read; write {such}")


def _read(word: str) -> tuple[Any] | None:
    try:
        return (OverridesParser.create().parse_override(word)._value,)
    except HydraException:
        return None


def _meant(value: str, read: Any) -> bool:
    """Tell whether a value that Hydra can read is meant as it reads it, rather than letter by letter."""
    escaped = isinstance(read, str) and "\\" in value
    return read is None or isinstance(read, QuotedString) or escaped or "${" in value


def _quoted(value: str) -> str:
    try:
        parse(value)
    except GrammarParseError:
        value = value.replace("${", "\\${")  # begins no interpolation
    # in quotes, only backslashes before a quote need one more each
    return "'" + re.sub(r"(\\*)('|\Z)", lambda m: 2 * m[1] + ("\\'" if m[2] else ""), value) + "'"
