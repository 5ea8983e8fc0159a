"""The folder that a sort of scans on a disk writes into: whose it is, and whether it can be, before the work."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from oresort.errors import InputError
from oresort.files.reading import present, read_json
from oresort.files.write import locked
from oresort.runtime.ejections import FILE
from oresort.runtime.told import SHIFT
from oresort.sorting.table import COLUMNS

_TABLE, _RECORD = "decisions.csv", "decisions.json"
_BESIDE = (SHIFT, "overlay.png", FILE, "ejections.png", "report.html", "report.json")
_PICTURES = ("overlays", "ejections")  # folders, of scans that are sorted each by itself
_MEND = "name another folder"
_HEADING = f"{','.join(COLUMNS)}\n".encode()


@contextmanager
def claimed(out: Path) -> Iterator[Callable[[], None]]:
    """Hold a folder for one sort, and yield what makes it ready for that sort's files, for when these are known.

    That makes the folder, if it is not there, and removes what an earlier sort left: first its record, so that no table
    lies beside a record of other decisions, whatever kills the process.

    Raises:
        InputError: a file lies in its place, it cannot be written, another process is at work in it, or it holds
            decisions of a stream, or files of these names that no sort wrote. All stays as it was then.
    """
    with ExitStack() as held:

        def hold() -> None:
            held.enter_context(locked(out, f"wait for it, or {_MEND}"))
            _check_kind(out)

        _check_place(out)
        early = out.is_dir()
        if early:
            hold()

        def ready() -> None:
            if not early:
                out.mkdir(parents=True, exist_ok=True)
                hold()
            _clear(out)

        yield ready


def _check_place(out: Path) -> None:
    """Refuse a place where no folder can be, or be written to; tried, since who may write is more than permissions."""
    there = next(path for path in (out, *out.absolute().parents) if present(path))
    if not there.is_dir():
        raise InputError(f"{there}: is a file; name a folder")
    try:
        Path(tempfile.mkdtemp(prefix=".oresort-", dir=there)).rmdir()
    except OSError as error:
        mend = "name a folder you may write to"
        raise InputError(f"{out}: cannot be written there ({error.strerror}); {mend}") from error


def _check_kind(out: Path) -> None:
    """Refuse a folder that holds what no sort of scans wrote, under the names that such a sort replaces."""
    if present(out / _RECORD):
        content = read_json(out / _RECORD, _MEND)
        if not isinstance(content, Mapping) or "model" not in content or not {"belts", "stream"} & content.keys():
            raise InputError(f"{out / _RECORD}: not of a sort; {_MEND}")
        if "stream" in content:
            raise InputError(f"{out}: holds decisions of a stream, which this would replace; {_MEND}")
    elif present(out / _TABLE):  # of a sort that was killed amid its files
        with (out / _TABLE).open("rb") as table:
            if table.read(len(_HEADING)) != _HEADING:
                raise InputError(f"{out / _TABLE}: not a table of decisions; {_MEND}")
    else:
        for name in (*_BESIDE, *_PICTURES):
            if present(out / name):
                raise InputError(f"{out / name}: not of a sort; {_MEND}")


def _clear(out: Path) -> None:
    for name in (_RECORD, *_BESIDE):
        (out / name).unlink(missing_ok=True)
    for name in _PICTURES:
        for picture in (out / name).glob("*.png"):
            picture.unlink()
        with suppress(OSError):  # it is not there, or holds something else
            (out / name).rmdir()
