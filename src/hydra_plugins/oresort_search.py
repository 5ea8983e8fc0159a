"""A search by Optuna, as `hydra/sweeper=optuna`; Hydra finds sweepers in packages of this name alone.

The one that Hydra's authors publish wants an Optuna of 2022, minimises unless told otherwise, and begins anew after a
kill. Here the figure says what is better. A search is a chain of draws that depend on nothing but the seed and the
figures before them: started again it draws the same trials, and those that are finished are not trained again.
"""

import shlex
import sys
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class Search(Sweeper):
    """Runs trials that Optuna chooses, see conf/hydra/sweeper/optuna.yaml for the keywords."""

    def __init__(
        self,
        n_trials: int,
        n_jobs: int,
        sampler: str,
        startup: int,
        seed: int,
        params: Mapping[str, Any] | None,
        pruner: object = None,
    ) -> None:
        self.pruner = pruner
        self.n_trials, self.n_jobs, self.sampler, self.startup, self.seed = n_trials, n_jobs, sampler, startup, seed
        self.params = dict(params or {})
        self.launcher: Launcher | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands to every sweeper."""
        self.context, self.given = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the trials, tell the best one, and return it: its words and its figure; None where none has a figure.

        Raises:
            InputError: a setting out of its range, nothing to search for or in, or Optuna is not installed.
        """
        from oresort.console.ranges import shown
        from oresort.errors import InputError
        from oresort.learn.score import SCORES, best_way

        self._check()
        optuna, score = _optuna(), OmegaConf.select(self.given, "score")
        if score not in SCORES:
            raise InputError(f"score={shown(score)}: what shall be searched for? known are {', '.join(SCORES)}")
        parser = OverridesParser.create(config_loader=self.context.config_loader)
        words = {w.get_key_element(): w for w in parser.parse_overrides([f"{k}={v}" for k, v in self.params.items()])}
        words |= {word.get_key_element(): word for word in parser.parse_overrides(arguments)}
        space = {key: _distribution(optuna, word) for key, word in words.items() if word.is_sweep_override()}
        fixed = [f"{key}={w.get_value_element_as_str()}" for key, w in words.items() if key not in space]
        if not space:
            raise InputError("hydra/sweeper=optuna: nothing to search in; give 'optim.lr=interval(1e-4,1e-2)', say")
        if lucky := space.keys() & {"seed", "data.fold", "data.split_seed"}:
            why = "a search would choose the luckiest; at_once=[1,2,3] judges trials by several seeds"
            raise InputError(f"{min(lucky)}: {why}")
        folder = Path(self.given.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.given, folder / "multirun.yaml")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        best = {"min": "minimize", "max": "maximize"}[best_way(score)]
        study = optuna.create_study(direction=best, sampler=self._sampler(optuna))
        while len(study.trials) < self.n_trials:
            batch = [study.ask(space) for _ in range(min(self.n_jobs, self.n_trials - len(study.trials)))]
            jobs = [[*fixed, *_words(trial)] for trial in batch]
            assert self.launcher is not None
            ended = self.launcher.launch(jobs, initial_job_idx=batch[0].number)
            for trial, job in zip(batch, ended, strict=True):
                value = _figure(job)
                failed = {"state": optuna.trial.TrialState.FAIL}
                study.tell(trial, value) if value is not None else study.tell(trial, **failed)
        return _told(study, fixed, score)

    def _check(self) -> None:
        from oresort.console.ranges import SEEDS, Rule, one_of, shown, whole
        from oresort.errors import InputError

        if self.pruner is not None:
            # its folder would bear the name of a run of all its epochs, and whether it ended would hang on the others
            raise InputError(
                f"hydra.sweeper.pruner={shown(self.pruner)}: trials are not pruned, since one that others ended is no "
                "run that its own words train again; callbacks=[early_stopping] ends trials by their own figures"
            )
        rules: dict[str, Rule] = {**dict.fromkeys(("n_trials", "n_jobs", "startup"), whole(1)), "seed": whole(0, SEEDS)}
        for key, rule in {**rules, "sampler": one_of("tpe", "random")}.items():
            if not rule.allows(value := getattr(self, key)):
                raise InputError(f"hydra.sweeper.{key}={shown(value)}: {rule}")

    def _sampler(self, optuna: Any) -> Any:
        if self.sampler == "random":
            return optuna.samplers.RandomSampler(seed=self.seed)
        # trials that run at once are kept apart
        return optuna.samplers.TPESampler(seed=self.seed, n_startup_trials=self.startup, constant_liar=self.n_jobs > 1)


def _optuna() -> Any:
    from oresort.console.extras import needing

    with needing("hydra/sweeper=optuna"):
        import optuna
    return optuna


def _distribution(optuna: Any, word: Override) -> Any:
    """Return where Optuna draws a key's value from; whole numbers between two whole numbers."""
    kinds, value = optuna.distributions, word.value()
    if isinstance(value, IntervalSweep):
        whole = isinstance(value.start, int) and isinstance(value.end, int)
        return (kinds.IntDistribution if whole else kinds.FloatDistribution)(
            value.start, value.end, "log" in value.tags
        )
    return kinds.CategoricalDistribution(list(word.sweep_string_iterator()))


def _words(trial: Any) -> list[str]:
    # a rate of 17 digits is no better than one of six
    values = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in trial.params.items()}
    return [f"{key}={value}" for key, value in values.items()]


def _figure(job: JobReturn) -> float | None:
    """Return what a job came to; None where it failed, whatever it returned then."""
    value = job.return_value if job.status == JobStatus.COMPLETED else None
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _told(study: Any, fixed: list[str], score: str) -> dict[str, Any] | None:
    finished = [trial for trial in study.trials if trial.value is not None]
    if not finished:
        return None
    found = study.best_trial
    words = _words(found)
    failed = len(study.trials) - len(finished)
    print(
        f"best of {len(study.trials)} trials ({failed} failed): {score}={found.value:.6g} by {shlex.join(words)}",
        file=sys.stderr,
    )
    return {"words": [*fixed, *words], "score": found.value}
