"""Which scans a folder holds, and what their names and folders say of them."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from oresort.errors import InputError
from oresort.files.layout import IMAGES, find_image

_CLASS = re.compile(r"(?P<label>ore|waste)(?:_(?P<batch>.+))?")


class ScanFiles(NamedTuple):
    """One scan's files, and its class and batch where a folder `<ore|waste>_<batch>` around it tells them."""

    name: str
    low: Path
    high: Path
    label: str
    batch: str


def find_scans(
    root: Path, low: str = "{scan}_low", high: str = "{scan}_high", *, follow_links: bool = False
) -> tuple[list[ScanFiles], list[str]]:
    """Find the scan pairs in a folder as `list_scans`; InputError also for no scans in it."""
    scans, problems = list_scans(root, low, high, follow_links=follow_links)
    if not scans and not problems:
        raise InputError(f"{root}: no scans; expected pairs {low}.tiff and {high}.tiff (or .tif, .png)")
    return scans, problems


def list_scans(root: Path, low: str, high: str, *, follow_links: bool = False) -> tuple[list[ScanFiles], list[str]]:
    """Return the scan pairs in a folder and its subfolders, whose layers lie side by side, if there are any.

    `low` and `high` are the layers' file names without suffix; `{scan}` stands for the scan's name. Scans come by name,
    with one line for each scan that lacks a layer or shares its name with another, and for each symbolic link to a
    folder outside that is not searched, as without `follow_links`. InputError for no such folder, or a pattern without
    `{scan}`.
    """
    for key, pattern in (("low", low), ("high", high)):
        if pattern.count("{scan}") != 1 or "/" in pattern:
            raise InputError(f"{key}={pattern}: must hold {{scan}} once and no slash, as {{scan}}_{key}")
    if low == high:
        raise InputError(f"low={low} high={high}: are the same; name the layers apart")
    if not root.is_dir():
        raise InputError(f"{root}: not a folder; give the scans' folder as scans=DIR")
    files, problems = _below(root, follow_links)
    layers = [_by_name(files, pattern) for pattern in (low, high)]
    scans: list[ScanFiles] = []
    for folder, name in sorted(layers[0].keys() | layers[1].keys(), key=lambda key: (key[1], key[0])):
        found = [layer.get((folder, name), []) for layer in layers]
        double = next((files for files in found if len(files) > 1), None)
        if double:
            problems.append(f"{double[0]}: {double[1].name} is the same layer; remove one of them")
        elif not all(found):
            (there,) = found[0] or found[1]
            lacking = (high if found[0] else low).replace("{scan}", name)
            problems.append(f"{there}: no {lacking} beside it; add the other layer, or remove this one")
        elif any(scan.name == name for scan in scans):
            problems.append(f"{found[0][0]}: another scan is called {name} too; rename one")
        else:
            around = (*reversed(folder.relative_to(root).parts), root.resolve().name)
            match = next(filter(None, map(_CLASS.fullmatch, around)), None)
            label, batch = (match["label"], match["batch"] or "") if match else ("", "")
            scans.append(ScanFiles(name, found[0][0], found[1][0], label, batch))
    return scans, problems


def reference_pair(name: str, low: str, high: str) -> tuple[Path, Path]:
    """Return both layers' files of an air or dark image given as `folder/name`, by the scans' patterns."""
    path, mend = Path(name), "give the images' name without layer"
    stems = (pattern.replace("{scan}", path.name) for pattern in (low, high))
    low_file, high_file = (find_image(path.parent, stem, mend) for stem in stems)
    return low_file, high_file


def _below(root: Path, follow_links: bool) -> tuple[list[Path], list[str]]:
    """Return all files of a folder and its subfolders, sorted, and a line for each link that is not followed."""
    files: list[Path] = []
    problems: list[str] = []
    inside = Path(os.path.realpath(root))
    seen: set[str] = set()  # by what they are, so that a circle of links ends
    folders = [root]
    while folders:
        folder = folders.pop()
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        try:
            inside_it = list(folder.iterdir())
        except OSError as error:
            problems.append(f"{folder}: {error.strerror}, not searched; check its permissions")
            continue
        for path in inside_it:
            if path.is_symlink() and not path.exists():
                problems.append(f"{path}: a link that leads nowhere; mend it or remove it")
            elif not path.is_dir():
                files.append(path)
            elif not path.is_symlink() or follow_links:
                # own folders before links, which may lead to them
                folders.insert(0 if path.is_symlink() else len(folders), path)
            elif not Path(os.path.realpath(path)).is_relative_to(inside):  # else it is searched where it lies
                mend = "move its scans inside, or let prepare follow it by follow_links=true"
                problems.append(f"{path}: a link to a folder outside of {root}, not searched; {mend}")
    return sorted(files), sorted(problems)


def _by_name(files: list[Path], pattern: str) -> dict[tuple[Path, str], list[Path]]:
    names = re.compile("(?P<scan>.+)".join(map(re.escape, pattern.split("{scan}"))))
    found: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        match = names.fullmatch(file.stem)
        # macOS leaves ._a_low.tiff beside a_low.tiff on foreign disks
        if match and file.suffix.lower() in IMAGES and file.is_file() and not file.name.startswith("."):
            found.setdefault((file.parent, match["scan"]), []).append(file)
    return found
