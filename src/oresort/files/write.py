"""Files and folders written whole or not at all."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from oresort.errors import InputError


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that becomes `target` only when the block succeeds.

    A reader never sees half a file, and a failure leaves what was there before.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # the suffix stays last: writers such as tifffile and matplotlib choose the format by it
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files private; results are for everyone
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(out: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a folder beside `out` that becomes `out` only when the block succeeds.

    InputError if `out` holds anything and `overwrite` is false, cannot be written to, or the disk is full.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise InputError(f"{out}: is not empty; name another folder or say overwrite=true")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise InputError(
            f"{out}: cannot be made ({error.strerror}); name a folder you may write to"
        ) from error
    try:
        yield temporary
        temporary.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        temporary.replace(out)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); free some space or name another folder"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write `content` whole or not at all; NaN becomes null, which JSON knows."""
    clean = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in content.items()
    }
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(clean, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_yaml(file: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as YAML, whole or not at all, keys in their own order."""
    with replacing(file) as temporary:
        temporary.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
