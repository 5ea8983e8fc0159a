"""The text behind `--help`: the configuration files themselves, whose comments explain every key."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from oresort.console.chosen import PLUMBING, Chosen, added, chosen, everywhere, read
from oresort.paths import CONF_DIR, choices

_EXAMPLES = "# --- examples\n"


def usage(name: str, doc: str, words: Iterable[str] = ()) -> str:
    """Return the help of command `name`: purpose `doc`, every key with its default and meaning, every choice, examples.

    Of each group it explains the file that the words of the command line choose, as `model/head=mlp` does; of groups of
    which nothing is chosen, such as callbacks, every file.
    """
    file = CONF_DIR / f"{name}.yaml"
    found = chosen(name, words)
    more = added(name)
    groups = [*dict.fromkeys(group for group, _ in found), *(group for group in more if group not in dict(found))]
    parts = [doc.strip(), f"usage: python -m oresort.{name} key=value ..."]
    parts += ["Keys and their defaults:", "\n".join(_lines(file))]
    if keys := list(_file_keys(found)):
        parts += ["Keys of the chosen files:", *keys]
    if offered := list(_file_keys([(group, one) for group, none in found if none is None for one in choices(group)])):
        parts += ["Keys of files that may be chosen besides:", *offered]
    if groups:
        files = "\n".join(line for group in groups for line in _choices(group, found, group in more))
        parts += ["Choices, each a file in conf/ (*: chosen):", files]
    parts += ["More words:", "\n".join(_words(name, "sweep" in read(file).get("hydra", {}), bool(groups)))]
    return "\n\n".join([*parts, "Examples:", "\n".join(f"  {line}" for line in examples(name))])


def examples(name: str) -> list[str]:
    """Return the examples that end the file of command `name`, a line each."""
    _, _, text = (CONF_DIR / f"{name}.yaml").read_text(encoding="utf-8").partition(_EXAMPLES)
    return [line.removeprefix("# ") for line in text.splitlines()]


def _words(name: str, sweep: bool, groups: bool) -> Iterator[str]:
    yield "  'key=any sign'     quoted for the shell alone: names are taken as they stand, but for null and ${...}"
    if groups:
        yield "  GROUP=FILE         choose another file, as the list above does; with --help its keys are explained"
        yield "  GROUP.KEY=value    hand on a keyword that a chosen file does not list, as optim.betas=[0.9,0.95]"
        yield "  GROUP._target_=    the class that takes the group's other keys: of this package, a library, or yours"
        yield "  --config-dir DIR   add your own choices: files in DIR, in folders named as those of conf/"
    if sweep:
        yield "  -m key=a,b         run every combination, a sweep; also of files, as model/fusion=stack,hybrid"
        yield "  hydra.mode=RUN     one run in place of the sweep that an experiment names"
        yield "  hydra/launcher=    basic: job after job; local: hydra.launcher.n_jobs=2 at once; slurm, ray: clusters"
    yield "  --cfg job          print the composed configuration and do nothing; with -p optim a part of it"
    yield f'  eval "$(python -m oresort.{name} -sc install=bash)"   complete the words of all commands by Tab; also zsh'
    yield f"  python -m oresort.{name} -sc install=fish | source    the same in fish"


def _choices(group: str, found: Chosen, plus: bool) -> Iterator[str]:
    default = [choice for path, choice in found if path == group]
    for file in sorted((CONF_DIR / group).glob("*.yaml")):
        word = f"{'+' if plus else ''}{group}={file.stem}"
        mark = "*" if file.stem in default else " "
        yield f" {mark}{word:<32} {_purpose(file)}"


def _purpose(file: Path) -> str:
    comments = (line[1:].strip() for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    return next((text for text in comments if not text.startswith("@package")), "")


def _file_keys(found: Chosen) -> Iterator[str]:
    for group, choice in found:
        file = CONF_DIR / group / f"{choice}.yaml"
        if choice and (lines := _lines(file)):
            head = f"{group}={choice}" + ("" if everywhere(file) else f", keys of {group.replace('/', '.')}")
            yield "\n  ".join([f"{head}:", *lines])


def _lines(file: Path) -> list[str]:
    """Return a file's lines from its first key on, without plumbing."""
    text = file.read_text(encoding="utf-8").partition(_EXAMPLES)[0]
    node, lines = yaml.compose(text, Loader=yaml.SafeLoader), text.splitlines()
    keys = [key for key, _ in node.value] if node else []
    starts = [key.start_mark.line for key in keys] + [len(lines)]
    return [
        line
        for key, start, end in zip(keys, starts, starts[1:], strict=False)
        if key.value not in PLUMBING
        for line in lines[start:end]
        if line and not line.startswith("# ---")
    ]
