"""The configuration of a training, composed in Python by the words of the command line."""

from dataclasses import asdict
from typing import Any

from oresort.console.compose import composed
from oresort.errors import InputError
from oresort.learn.classic import ClassicConfig
from oresort.learn.config import TrainConfig
from oresort.learn.pretrain import PretrainConfig
from oresort.learn.sweep import register_resolvers
from oresort.make import targets, trust

_SCHEMAS: dict[str, type] = {"train": TrainConfig, "pretrain": PretrainConfig, "classic": ClassicConfig}


def compose(verb: str, *words: str) -> Any:
    """Return what `python -m oresort.VERB WORDS` would run: train, pretrain or classic, one run, no sweep.

    Its keys are attributes, which may be changed; `oresort.learn.fit.train(cfg, folder)` trains it. Groups of your own
    are found by `hydra.searchpath=[DIR]`. Modules that the words name as `_target_` are trusted from here on, as
    those of a command line are.

    Raises:
        InputError: another verb, or a word that the command would refuse.
    """
    if verb not in _SCHEMAS:
        raise InputError(f"compose: {verb!r} trains nothing; known are {', '.join(_SCHEMAS)}")
    register_resolvers()
    cfg: Any = composed(verb, _SCHEMAS[verb], *words)
    trust(*targets(asdict(cfg)), *getattr(cfg, "modules", ()))
    return cfg
