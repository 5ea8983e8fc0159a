"""Files and folders written whole or not at all."""

import errno
import fcntl
import glob
import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from oresort.errors import InputError

MARK = "dataset.json"
"""File by which a folder is known as one that this program made, and may replace."""

_YOUNG = 60  # seconds


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that becomes `target` only when the block succeeds.

    A reader never sees half a file, and a failure leaves what was there before. What a killed process left of the same
    target is removed. OSError names the target.
    """
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    # the suffix stays last: writers such as tifffile and matplotlib choose the format by it
    temporary = target.parent / f".{target.stem}-{secrets.token_hex(4)}{target.suffix}"
    handle = None
    try:
        # its name is known before it is there, and all that follows tidies up: a signal may come between any two lines
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)  # as long as this process lives, it is no leftover
        yield temporary
        umask = os.umask(0)  # it can only be read by setting it
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # it was private while it was made; results are for everyone
        _flush(temporary)
        temporary.replace(target)  # one step, as both lie in one file system
        _flush(target.parent)
    except OSError as error:
        if str(error.filename) == str(temporary):  # a name that nobody has given
            error.filename = str(target)
        raise
    finally:
        if handle is not None:
            os.close(handle)
        temporary.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove what was left beside a target by processes that were killed while they wrote it."""
    for leftover in target.parent.glob(f".{glob.escape(target.stem)}-????????{glob.escape(target.suffix)}"):
        try:
            if time.time() - leftover.stat().st_mtime < _YOUNG:
                continue  # it may be so new that its writer has no lock yet
            with leftover.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
        except OSError:
            continue  # another process is writing it, or has just done so


def _flush(path: Path) -> None:
    """Have a file, or a folder's names, on the disk before anything is said to be there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems have no such thing for folders
            raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(handle)


@contextmanager
def locked(folder: Path, mend: str) -> Iterator[None]:
    """Hold a folder that is there against other processes; the lock ends with the process, however that ends.

    Raises:
        InputError: another process holds it; `mend` says what to do then.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: another process is at work in it; {mend}") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EBADF):
                raise  # else a file system without locks, where nobody can be kept out
        yield
    finally:
        os.close(handle)


@contextmanager
def new_folder(out: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a folder beside `out` that becomes `out` only when the block succeeds.

    With `overwrite` an older dataset is moved aside first and removed last, so whenever the process is killed one of
    the two is whole: what it leaves behind is put back, or removed, by the next call. InputError if `out` is a file,
    holds the working folder, is being written by another process, cannot be written, or holds anything; with
    `overwrite`, anything but what this program made.
    """
    target = out.resolve()
    if Path.cwd().is_relative_to(target):
        raise InputError(f"{out}: holds the folder you are in; name another folder")
    if target.exists() and not target.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
    part, old = (target.parent / f".{target.name}.{suffix}" for suffix in ("part", "old"))
    lock = _claim(out, part)
    try:
        try:
            _recover(target, old)
            if target.is_dir() and any(target.iterdir()):
                if not overwrite:
                    raise InputError(f"{out}: is not empty; name another folder or say overwrite=true")
                if not (target / MARK).is_file():
                    raise InputError(f"{out}: holds no {MARK}, so it is not replaced; name another folder")
            for leftover in part.iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield part
            os.sync()  # thousands of files at once, before their folder has its name
            if target.exists():
                target.replace(old)
            part.replace(target)
        except BaseException:  # an interrupt as well
            shutil.rmtree(part, ignore_errors=True)
            _recover(target, old)
            raise
        _discard(old)
    except OSError as error:
        reason = f"cannot be written ({error.strerror})"
        raise InputError(f"{out}: {reason}; free some space or name another folder") from error
    finally:
        os.close(lock)


def _claim(out: Path, part: Path) -> int:
    """Make the folder `part` and lock it; the lock ends with its handle, so also with a killed process."""
    try:
        part.mkdir(parents=True, exist_ok=True)
        lock = os.open(part, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}); name a folder you may write to") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # another process may have finished, and moved its folder away, since ours was opened
        if os.fstat(lock).st_ino == part.stat().st_ino:
            return lock
    except OSError:
        pass
    os.close(lock)
    raise InputError(f"{out}: another process is writing it; wait for it, or name another folder")


def _recover(target: Path, old: Path) -> None:
    """Put back a dataset that was moved aside and never replaced; remove it where it was."""
    if not target.exists() and (old / MARK).is_file():
        old.replace(target)
    _discard(old)


def _discard(old: Path) -> None:
    (old / MARK).unlink(missing_ok=True)  # first, so that half a dataset is never put back
    shutil.rmtree(old, ignore_errors=True)


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write `content` whole or not at all; NaN becomes null, which JSON knows."""
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(_plain(content), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_yaml(file: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as YAML, whole or not at all, keys in their own order."""
    with replacing(file) as temporary:
        temporary.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
