"""One run: what makes it another, how its folder is called, what is recorded of it, when it may go on."""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oresort.data.index import otherwise
from oresort.errors import InputError, one_line
from oresort.files.provenance import provenance
from oresort.files.reading import present
from oresort.files.record import flatten, read_yaml
from oresort.files.write import locked, write_json, write_yaml
from oresort.learn.record import RECORD, read_row

_ELSEWHERE = re.compile(
    r"out|resume|modules|at_once|weights|score|logger(\..*)?|data\.(root|cache|workers|strict|follow_links)"
    r"|trainer\.(enable_.*|log_every_n_steps|profiler|default_root_dir)"
)
"""Keys that say where files lie, who watches and how fast pairs come. Pairs and weights themselves count, by hash."""


def counts(key: str) -> bool:
    """Tell whether a key of the configuration, such as `optim.lr`, makes another run of another value."""
    return _ELSEWHERE.fullmatch(key) is None


def identity(config: Mapping[str, Any], pairs: str) -> dict[str, Any]:
    """Return all that a run's result depends on, flat: the keys that count, and `pairs`, the hash of its pairs."""
    return {"pairs": pairs} | {key: value for key, value in flatten(config).items() if counts(key)}


def differing(rows: list[dict[str, Any]]) -> list[str]:
    """Return the keys that count and have several values among runs' rows; the seed is never one."""
    keys = dict.fromkeys(key for row in rows for key in row if key.startswith("config."))
    names = [key for key in keys if counts(key.removeprefix("config.")) and key != "config.seed"]
    return [key for key in names if len({json.dumps(row.get(key), default=str) for row in rows}) > 1]


def folder_name(config: Mapping[str, Any], pairs: str) -> str:
    """Return the name of a run's folder in a sweep: its row, its fold and its seed, and a hash of its identity."""
    text = json.dumps(identity(config, pairs), sort_keys=True, default=str)
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    row = re.sub(r"[^a-z0-9]+", "-", (config.get("row") or config["name"]).lower()).strip("-")
    fold = config["data"].get("fold")
    return f"{row}-{'' if fold is None else f'f{fold}-'}s{config['seed']}-{digest}"


def finished(folder: Path) -> dict[str, Any] | None:
    """Return the row of the finished run in `folder`, or None."""
    file = folder / RECORD
    return row if present(file) and (row := read_row(file))["status"] == "finished" else None


def check_finished(rows: dict[str, dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Return the rows of runs in `folder` by seed; InputError that names the first without a result."""
    failed = [seed for seed, row in rows.items() if row["status"] != "finished"]
    if failed:
        why = rows[failed[0]].get("error", "")
        raise InputError(f"{folder}: {len(failed)} of {len(rows)} seeds without a result; seed {failed[0]}: {why}")
    return rows


def check_same(folder: Path, config: Mapping[str, Any], pairs: str | None = None) -> None:
    """Refuse a folder that holds another run, naming the key that differs, before anything is written.

    Pairs are compared by their `fingerprint` if it is given.
    """
    record = read_row(folder / RECORD) if present(folder / RECORD) else {}
    begun = (folder / "checkpoints" / "last.ckpt").is_file()
    if not begun and record.get("status") != "finished":
        return  # nothing in it is worth keeping
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: holds a checkpoint without its config.yaml; choose another out=DIR")
    there = str(record.get("data", pairs))
    if pairs is not None and there != pairs:
        why = otherwise(there, pairs)
        raise InputError(f"{folder}: holds a run of other data ({why}); restore the data, or choose another out=DIR")
    old, new = identity(read_yaml(folder / "config.yaml"), ""), identity(config, "")
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            raise InputError(
                f"{folder}: holds a run of another configuration ({key}: {old.get(key)!r} there, "
                f"{new.get(key)!r} here); choose another out=DIR"
            )


@contextmanager
def recorded(folder: Path, config: Mapping[str, Any], pairs: Callable[[], str]) -> Iterator[dict[str, Any]]:
    """Keep the record of a run in `folder` while the block runs; yield the row, to which it adds the figures.

    `pairs` returns the hashes of its pairs, which may take as long as reading all of them.
    Writes `config.yaml` and `provenance.json`, and `metrics.json` twice: `running` at the start, and at the end
    `finished`, or `interrupted` or `failed` with the reason. A folder that holds another run is refused, see
    `check_same`, and so is one in which another process is at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "wait for it, or choose another out=DIR"):
        check_same(folder, config)  # at once, before anything is read
        try:
            known = pairs()
        except BaseException as error:
            if not present(folder / RECORD):  # else it is of an earlier start, which knew its pairs
                write_json(folder / RECORD, _started(config) | _ended(error))
            raise
        check_same(folder, config, known)
        write_yaml(folder / "config.yaml", config)
        write_json(folder / "provenance.json", provenance() | _device())
        row = _started(config) | {"data": known}
        write_json(folder / RECORD, row)
        try:
            yield row
            row["status"] = "finished"
        except BaseException as error:
            row |= _ended(error)
            raise
        finally:
            write_json(folder / RECORD, row)


def record_failure(folder: Path, config: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    """Leave the reason why a job failed before its run began; return the row that is there now."""
    file = folder / RECORD
    # a run that failed later has said so itself
    if not present(file) or read_row(file)["status"] == "failed":
        write_json(file, _started(config) | {"status": "failed", "error": one_line(error)})
    return read_row(file)


def _started(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": "running", "name": config["name"], "seed": config["seed"], **flatten(config, "config")}


def _ended(error: BaseException) -> dict[str, str]:
    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    return {"status": status, "error": one_line(error)}


def _device() -> dict[str, Any]:
    if torch := sys.modules.get("torch"):  # a record alone must not load it
        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return {"torch_threads": torch.get_num_threads(), "gpus": gpus}
    return {}
