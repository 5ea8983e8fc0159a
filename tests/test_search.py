"""Searches: what a job returns to a sweeper, and trials that Optuna chooses."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from pairs import SMALL

from oresort import train
from oresort.errors import InputError
from oresort.learn import job
from oresort.learn.score import SCORES, best_way, check_score, score_of

pytest.importorskip("optuna")
PAGE = Path(__file__).parents[1] / "docs" / "experiments.md"
SPACE = "optim.lr=tag(log,interval(1e-4,1e-2))"
TRIALS = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.startup=2")


def trials(out: str) -> list[tuple[str, str]]:
    """Folder and figure of each line of the final table."""
    return re.findall(r"│ *(\S+) │ +[\d.-]+ │ (train-s0-\w+)", out)


class Jobs:
    """Counts the trainings of trials, stops them, and lets fast ones fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rates: list[float] = []
        self.stop, self.fails = 10**9, False
        real = job.train

        def quick(cfg: Any, folder: Path, data: Any) -> dict[str, Any]:
            if len(self.rates) == self.stop:
                raise KeyboardInterrupt
            self.rates.append(cfg.optim["lr"])
            if self.fails and cfg.optim["lr"] > 2e-3:
                raise InputError("too fast")
            return real(cfg, folder, data)

        monkeypatch.setattr(job, "train", quick)


def test_a_search_runs_its_trials_and_tells_the_best(command: Any, dataset: Path, tmp_path: Path):
    words = (*TRIALS, f"data.root={dataset}", f"out={tmp_path}/s", *SMALL, SPACE, "hydra.sweeper.n_trials=3")
    code, out, err = command(train, *words, "score=val/brier")
    assert code == 0, err
    assert f"3 trials in {tmp_path}/s (0 finished earlier): {SPACE}" in err
    figures = [float(value) for value, _ in trials(out)]
    assert len(figures) == 3
    assert figures == sorted(figures)  # of an error, the smallest is the best
    told = re.search(r"best of 3 trials \(0 failed\): val/brier=(\S+) by optim\.lr=(\S+)", err)
    assert told is not None
    assert float(told[1]) == pytest.approx(figures[0], rel=1e-5)
    assert 1e-4 <= float(told[2]) <= 1e-2
    assert "test AUROC" not in out + err


def test_a_search_that_was_stopped_goes_on_as_if_nothing_had_been(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any
):
    def search(out: str) -> tuple[int, str, str]:
        words = (*TRIALS, f"data.root={dataset}", f"out={tmp_path / out}", *SMALL, SPACE, "hydra.sweeper.n_trials=4")
        code, shown, err = command(train, *words, "score=val/auroc", "trainer.limit_train_batches=1")
        return code, shown, err

    jobs = Jobs(monkeypatch)
    assert search("whole")[0] == 0
    whole, jobs.rates = jobs.rates, []
    jobs.stop = 2
    assert search("cut")[0] == 130
    jobs.stop = 10**9
    code, out, err = search("cut")
    assert code == 0, err
    assert err.count("finished earlier") >= 2
    assert jobs.rates == whole
    assert len(set(whole)) == 4
    assert len(trials(out)) == 4


def test_a_failed_trial_is_one_and_the_search_goes_on(command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any):
    jobs = Jobs(monkeypatch)
    jobs.fails = True
    words = (*TRIALS, f"data.root={dataset}", f"out={tmp_path}/s", *SMALL, SPACE, "hydra.sweeper.n_trials=4")
    code, out, err = command(train, *words, "score=val/auroc", "trainer.limit_train_batches=1")
    failed = sum(rate > 2e-3 for rate in jobs.rates)
    assert 0 < failed < 4
    assert code == 0, err
    assert f"best of 4 trials ({failed} failed)" in err
    assert "too fast" in out


def test_several_seeds_are_judged_by_their_mean_and_one_failure_is_a_failure():
    rows = [{"status": "finished", "val/auroc": 0.8}, {"status": "finished", "val/auroc": 0.6}]
    assert score_of(rows, "val/auroc") == pytest.approx(0.7)
    bad = score_of([*rows, {"status": "failed", "val/auroc": 0.9}], "val/auroc")
    assert bad != bad
    assert score_of([{"status": "finished", "monitor_value": 0.4}], "val/loss") == 0.4
    assert {score for score in SCORES if best_way(score) == "min"} == {"val/loss", "val/brier", "val/ece"}


@pytest.mark.parametrize(
    ("sweeper", "score", "refused"),
    [
        ({"direction": "Direction.minimize"}, "val/auroc", True),
        ({"direction": "maximize"}, "val/auroc", False),
        ({"direction": "minimize"}, "val/brier", False),
        ({"direction": ["maximize"]}, "val/brier", True),
        ({"direction": "maximize"}, None, True),
        ({"ax_config": {"experiment": {"minimize": True}}}, "val/auroc", True),
        ({"ax_config": {"experiment": {"minimize": False}}}, "val/auroc", False),
        ({"optim": {"maximize": False}}, "val/f1", True),
        ({"optim": {"maximize": True}}, "val/f1", False),
        ({"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"}, None, False),
    ],
)
def test_another_sweeper_cannot_search_for_the_worst(sweeper: dict[str, Any], score: str | None, refused: bool):
    if refused:
        with pytest.raises(InputError, match=r"would find the worst|says for what"):
            check_score(score, "auroc", OmegaConf.create(sweeper))
    else:
        check_score(score, "auroc", OmegaConf.create(sweeper))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((SPACE,), "score=null: what shall be searched for?"),
        ((SPACE, "score=test/auroc"), "score=test/auroc: what shall be searched for?"),
        ((SPACE, "score=val/loss"), "set monitor=loss"),
        (("score=val/auroc",), "nothing to search in"),
        ((SPACE, "seed=1,2", "score=val/auroc"), "at_once=[1,2,3]"),
        ((SPACE, "data.folds=3", "data.fold=0,1", "score=val/auroc"), "data.fold: a search would choose the luckiest"),
        ((SPACE, "score=val/auroc", "hydra.sweeper.n_trials=0"), "n_trials=0: give a whole number of at least 1"),
        ((SPACE, "score=val/auroc", "hydra.sweeper.sampler=grid"), "known are tpe, random"),
        ((SPACE, "score=val/auroc", "hydra.sweeper.trials=3"), "hydra.sweeper.trials: no such key"),
    ],
)
def test_a_search_without_sense_is_refused(command: Any, dataset: Path, tmp_path: Path, words: Any, says: str):
    code, _, err = command(train, *TRIALS, f"data.root={dataset}", f"out={tmp_path}/s", *SMALL, *words)
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert len(lines) == 1
    assert says in lines[0]
    assert not (tmp_path / "s").exists()


def test_the_words_of_the_page_are_a_search(compose_train: Any):
    (line,) = re.findall(r"<!-- search -->\n```\n(.*)\n```", PAGE.read_text())
    _, _, module, _, *words = shlex.split(line)
    assert module == "oresort.train"
    given = OverridesParser.create().parse_overrides(words)
    assert sum(word.is_sweep_override() for word in given) == 4
    first = [f"{w.get_key_element()}={next(w.sweep_string_iterator())}" for w in given if w.is_discrete_sweep()]
    fixed = [word for word, one in zip(words, given, strict=True) if not one.is_sweep_override()]
    cfg = compose_train(*(word for word in fixed if not word.startswith("hydra/")), *first, small=False)
    assert cfg.score == "val/auroc"


def test_the_experiment_of_the_page_searches(command: Any, dataset: Path, tmp_path: Path):
    (text,) = re.findall(r"```yaml\n(# @package _global_\n# Which rate.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "my_search.yaml").write_text(text)
    words = (f"data.root={dataset}", f"out={tmp_path}/s", *SMALL, "hydra.sweeper.n_trials=2", "model/head=kan")
    code, _, err = command(train, "--config-dir", str(tmp_path / "conf"), "+experiment=my_search", *words)
    assert code == 0, err
    assert "2 trials in" in err
    assert "best of 2 trials (0 failed): val/auroc=" in err


def test_without_optuna_the_extra_is_named(command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, _, err = command(train, *TRIALS, f"data.root={dataset}", f"out={tmp_path}/s", SPACE, "score=val/auroc")
    assert code == 1
    assert "pip install 'oresort[search]'" in err
