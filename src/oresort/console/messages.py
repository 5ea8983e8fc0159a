"""Errors of Hydra and OmegaConf in the words of the user."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import get_type_hints

import yaml
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)

from oresort.console.check import kind_of, wanted
from oresort.errors import InputError, one_line
from oresort.paths import CONF_DIR, choices

_GROUP = re.compile(
    r"Could not (?:override|delete(?: from config)?)\.? '(?P<none>[^'=]+)|(?P<twice>\S+) appears more than once"
)
"""Hydra's messages about a group that is not in the list of defaults, or twice in it."""


_THERE = re.compile(r"Could not append to config\. .*?'(?P<key>[^']+)'.*?'(?P<word>[^']+)'")

_ELSEWHERE = {
    **dict.fromkeys(("class_weight", "class_weights", "balanced"), "objective.loss.weight=[1.0,2.0]"),
    **dict.fromkeys(("label_smoothing", "smoothing"), "objective.loss.smoothing=0.1"),
    **dict.fromkeys(("pretrained", "init", "ckpt", "checkpoint"), "weights=FILE"),
    **dict.fromkeys(("epochs", "max_epochs"), "trainer.max_epochs=N"),
    **dict.fromkeys(("swa", "ema"), "callbacks=[ema]"),
    "early_stopping": "callbacks=[early_stopping]",
    "patience": "callbacks=[early_stopping] callbacks.early_stopping.patience=N",
}
"""What other programs call keys of this one."""


def explained(error: Exception, schema: type | None) -> InputError:
    """Return an error of Hydra or OmegaConf as one line: the key, what is wrong, and the mend."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        extra = "; or install the extra that its file in conf/hydra names" if group.startswith("hydra/") else ""
        return InputError(
            f"{group}={choice}: no such choice; known are {', '.join(error.options or choices(group))}{extra}"
        )
    if isinstance(error, OverrideParseException):
        return InputError(f"{error.override!r}: not a word that can be read; write key=value")
    # Hydra names the word and hides what was wrong with it
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    key = str(getattr(cause, "full_key", None) or "")
    if isinstance(cause, MissingMandatoryValue):
        return InputError(f"{key}: missing; give it as {key}=VALUE, --help explains it")
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return no_such(key, schema)
    # OmegaConf adds lines that help debug OmegaConf
    text = one_line(Exception(str(cause).split("\n")[0])) if key else one_line(cause)
    if found := _THERE.match(text):
        return InputError(f"+{found['key']}: is a key already; write {found['word']}, without +")
    if not key and (named := _GROUP.match(text)):
        return _no_group(named, schema)
    word = str(error).rpartition("Error merging override ")[2] if cause is not error else ""
    group = key.replace(".", "/")
    if key and (CONF_DIR / group).is_dir():
        return InputError(
            f"{word or key}: a file of conf/{group} is chosen as {group}={getattr(cause, 'value', 'NAME')}"
        )
    kind = kind_of(schema, key)
    if word and isinstance(cause, ValidationError) and kind is not None:
        return InputError(f"{word}: {wanted(kind)}")
    if "does not support deletion" in text:
        return InputError(f"~{key}: cannot be left out; give another value, as {key}=VALUE")
    text = re.sub(r"\w+ raised while resolving interpolation: ", "", text).strip('".')
    return InputError(f"{key + ': ' if key else ''}{text}; --help lists every key")


def _no_group(named: re.Match[str], schema: type | None) -> InputError:
    if group := named["twice"]:
        return InputError(f"+{group}: one is chosen already; write {group}=NAME, without +")
    group = named["none"]
    below = [folder.name for folder in sorted((CONF_DIR / group).glob("*/"))]
    if below and not choices(group):
        return InputError(f"{group}: has no files to choose from; known are {', '.join(f'{group}/{b}' for b in below)}")
    # files that set keys of all groups, and choose for this command
    if schema is not None and any(_chooses(group, name, schema) for name in choices(group)):
        return InputError(f"{group}: is added, as +{group}=NAME; known are {', '.join(choices(group))}")
    return no_such(group, schema)


def _chooses(group: str, name: str, schema: type) -> bool:
    text = (CONF_DIR / group / f"{name}.yaml").read_text(encoding="utf-8")
    own = get_type_hints(schema)
    return any(match[1] in own for match in re.finditer(r"override /(\w+)", text))


def no_such(key: str, schema: type | None) -> InputError:
    """Return what to say of an unknown key: the nearest known one."""
    known = list(_keys(schema, "")) + [folder.relative_to(CONF_DIR).as_posix() for folder in CONF_DIR.rglob("*/")]
    if key in known:
        return InputError(f"{key}: a group of another command; --help lists every key of this one")
    known += _file_keys(schema)
    near = [k for k in known if k.endswith((f".{key}", f"/{key}"))] or difflib.get_close_matches(key, known, n=1)
    elsewhere = _ELSEWHERE.get(key.rpartition(".")[2], "")
    own = get_type_hints(schema) if schema else {}
    meant = elsewhere if re.split(r"[.=]", elsewhere)[0] in own else _chosen(near[0]) if near else None
    guess = f"did you mean {meant}? " if meant else ""
    return InputError(f"{key}: no such key; {guess}--help lists every key")


def _chosen(key: str) -> str:
    """Return a key as it is written: of a part that is a file of its own, `GROUP=NAME`."""
    group = key.replace(".", "/")
    return f"{group}=NAME" if "/" in group and choices(group) else key


def _file_keys(schema: object) -> Iterator[str]:
    """Yield the keys in the files of the groups that a command takes as they are, such as `optim.lr`."""
    free = {name for name, kind in get_type_hints(schema).items() if not is_dataclass(kind)} if schema else set()
    for file in sorted(CONF_DIR.glob("*/*.yaml")):
        text = file.read_text(encoding="utf-8")
        if file.parent.name in free and "@package" not in text:
            yield from (f"{file.parent.name}.{key}" for key in yaml.safe_load(text) or {} if key != "defaults")


def _keys(schema: object, prefix: str) -> Iterator[str]:
    if isinstance(schema, type) and is_dataclass(schema):
        for name, kind in get_type_hints(schema).items():
            yield f"{prefix}{name}"
            yield from _keys(kind, f"{prefix}{name}.")
