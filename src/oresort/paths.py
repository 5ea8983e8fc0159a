"""Where the configuration lives, and how files are written whole or not at all."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _conf_dir() -> Path:
    # installed wheel: beside the package; checkout or editable install: at the repository's root
    for folder in (_PACKAGE / "conf", _PACKAGE.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError("oresort: no conf/ beside the package or at the repository's root; reinstall")


CONF_DIR = _conf_dir()
