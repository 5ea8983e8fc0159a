"""Where the configuration lives, and how files are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _conf_dir() -> Path:
    # installed wheel: beside the package; checkout or editable install: at the repository's root
    for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError("oresort: no conf/ beside the package or at the repository's root; reinstall")


CONF_DIR = _conf_dir()


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
