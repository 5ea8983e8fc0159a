"""Which checkpoints the words of a user name."""

from pathlib import Path

from oresort.errors import InputError
from oresort.learn.record import RECORD
from oresort.learn.run import finished

_BEST = Path("checkpoints", "best.ckpt")


def checkpoints_of(ckpt: object) -> list[str]:
    """Return the checkpoints that `ckpt=` names: files, run folders, the folder of a sweep, `*` for several, or a list.

    Raises:
        InputError: none, one that stands there twice, or a run of a sweep or of a pattern that is not finished.
    """
    names = [name for name in (ckpt if isinstance(ckpt, list) else [ckpt]) if isinstance(name, str) and name]
    if not names or (isinstance(ckpt, list) and len(names) < len(ckpt)):
        raise InputError(f"ckpt={ckpt}: give a checkpoint, or several as [runs/a,runs/b]")
    found = [one for name in names for one in _named(name)]
    for one in found:
        if found.count(one) > 1:
            raise InputError(f"ckpt: {one} stands there twice; name each once")
    return found


def _named(name: str) -> list[str]:
    path = Path(name)
    if "*" in name:
        several = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
        several = [one for one in several if one.is_file() or (one / _BEST).is_file()]
    elif path.is_dir() and not (path / _BEST).is_file():
        several = sorted(one.parent for one in path.glob(f"*/{RECORD}"))
    else:
        return [name]
    if not several:
        raise InputError(f"ckpt={name}: no checkpoint there; give runs, or the folder of a sweep")
    for one in several:
        if one.is_dir() and finished(one) is None:
            raise InputError(f"{one}: a run without a result; finish it, or name the others one by one")
    return [str(one) for one in several]
