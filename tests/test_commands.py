"""The commands as typed: results, help, and every kind of bad input in one line."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pairs import SMALL, write_image, write_manifest, write_released

from oresort import evaluate, report, train
from oresort.files.image import read_image
from oresort.sorting import METRICS

ROOT = Path(__file__).parents[1]


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("data.root=nowhere",), "nowhere: not a folder"),
        ((), "data.root"),
        (("nonsense=1",), "nonsense: no such key; --help"),
        # a word that nobody knows is refused, with and without +, and never advised
        (("+nonsense=1",), "nonsense: no such key; --help"),
        (("data.lmit=3",), "data.lmit: no such key; did you mean data.limit?"),
        (("+data.lmit=3",), "data.lmit: no such key; did you mean data.limit?"),
        (("+recipe.nam=x",), "recipe.nam: no such key; did you mean recipe.name?"),
        (("batch_size=1",), "did you mean data.batch_size?"),
        (("modle/head=kan",), "did you mean model/head=NAME?"),
        (("fusion=hybrid",), "fusion: no such key; did you mean model/fusion=NAME?"),
        (("tower=lite",), "did you mean model/tower=NAME?"),
        (("loss=focal",), "did you mean objective/loss=NAME?"),
        (("--data.root", "set"), "'--data.root': no such option; write key=value, without dashes"),
        (("--epochs=3",), "'--epochs=3': no such option; write key=value, without dashes"),
        (("--hlep",), "'--hlep': no such option"),
        (
            (f"data.root={__file__}",),
            "test_commands.py: not a folder; give the one that holds the dataset, as data.root=",
        ),
        (("data.batch_size=abc",), "data.batch_size=abc: give a whole number of at least 1"),
        (("model.fusion=concat",), "chosen as model/fusion=concat"),
        (("model/head=nonsense",), "model/head=nonsense: no such choice; known are kan, "),
        (("seed=[",), "'seed=[': not a word that can be read"),
        (("model.head.nonsense=1",), "unexpected keyword argument 'nonsense'; accepted: widths"),
        (("+model.head.nonsense=1",), "nonsense"),
        (("trainer.nonsense=1",), "trainer.nonsense"),
        (("+trainer.nonsense=1",), "trainer.nonsense"),
        (("seed=abc",), "seed=abc: give a whole number from 0 to 4294967295"),
        (("data.strict=perhaps",), "strict"),
        (("representation.geometry=stretch",), "representation.geometry"),
        (("augment.flip=2",), "augment.flip"),
        (("optim.lr=-1",), "optim"),
        (("threshold=2",), "threshold=2"),
        (("monitor=speed",), "monitor=speed"),
        (("data.split=random",), "data.split=random"),
        (("data.batch_size=0",), "data.batch_size=0"),
        (("trainer.accelerator=abacus",), "abacus"),
        (("trainer.max_epochs=two",), "trainer.max_epochs=two"),
        (("trainer.max_epochs=-1",), "trainer.max_epochs=-1"),
        (("trainer.max_epochs=null",), "trainer.max_epochs=null"),
        (("trainer.max_epochs=1.5",), "trainer.max_epochs=1.5"),
        (("+trainer.callbacks=[x]",), "trainer.callbacks: is set by the group callbacks"),
        (("+trainer.logger=true",), "trainer.logger: is set by the group logger"),
        (("+callbacks.x=1",), "callbacks.x=1: a setting stands below the name"),
        (("logger=[csv,nowhere]",), "logger=nowhere: no such choice; known are csv,"),
        (("optim.lr=abc",), "lr='abc'"),
        (("logger=wandb", "logger.wandb.mode=loud"), "mode=loud"),
        (("resume=nowhere",), "resume=nowhere"),
    ],
)
def test_bad_configuration_is_one_line(
    command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any, words: tuple[str, ...], expected: str
):
    monkeypatch.chdir(tmp_path)
    given = () if not words or words[0].startswith(("data.root", "resume")) else (f"data.root={dataset}",)
    out = () if words and words[0].startswith("resume") else (f"out={tmp_path / 'run'}",)
    code, _, err = command(train, *given, *out, *words)
    assert code == 1
    assert len(errors(err)) == 1
    assert expected in errors(err)[0]
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())  # no folder of a run that never was


def damaged(root: Path, kind: str) -> None:
    low = sorted(root.rglob("low.tiff"))[0]
    shape = (40, 50)
    if kind == "truncated":
        low.write_bytes(low.read_bytes()[:-200])
    elif kind == "8-bit":
        write_image(low, np.full(shape, 7, np.uint8))
    elif kind == "RGB":
        write_image(low.with_suffix(".png"), np.zeros((*shape, 3), np.uint8))
        low.unlink()
    elif kind == "every pixel is 0":
        write_image(low, np.zeros_like(read_image(low)))
    else:
        write_image(low, np.ones((3, 3), np.uint16))


@pytest.mark.parametrize("kind", ["truncated", "8-bit", "RGB", "every pixel is 0", "same scan"])
def test_bad_images_are_named_in_one_line(command: Any, tmp_path: Path, kind: str):
    root = write_released(tmp_path / "set")
    damaged(root, kind)
    code, _, err = command(train, f"data.root={root}", f"out={tmp_path / 'run'}")
    assert code == 1
    assert len(errors(err)) == 1
    assert kind in errors(err)[0]
    assert str(root) in errors(err)[0]
    assert not list(root.rglob("*.npy"))  # no half cache


def test_a_changed_image_is_prepared_again(command: Any, tmp_path: Path):
    root = write_released(tmp_path / "set")
    words = (f"data.root={root}", *SMALL)
    assert command(train, *words, f"out={tmp_path / '1'}")[0] == 0
    assert command(train, *words, f"out={tmp_path / '2'}")[0] == 0
    assert len(list(root.rglob("planes-*.npy"))) == 1
    damaged(root, "8-bit")
    code, _, err = command(train, *words, f"out={tmp_path / '3'}")
    assert code == 1
    assert "8-bit" in err


@pytest.mark.filterwarnings("default::oresort.data.leaks.DatasetWarning")
def test_leakage_is_a_warning_or_with_strict_an_error(command: Any, tmp_path: Path):
    root = write_manifest(write_released(tmp_path / "set"))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    frame["split"] = [("train", "val", "test")[i % 12 // 2 % 3 if i < 24 else i % 3] for i in range(len(frame))]
    frame.to_csv(root / "manifest.csv", index=False)
    code, _, err = command(train, f"data.root={root}", f"out={tmp_path / 'a'}", *SMALL)
    assert code == 0, err
    assert any(line.startswith("warning: ") and "leakage" in line for line in err.splitlines())
    code, _, err = command(train, f"data.root={root}", f"out={tmp_path / 'b'}", "data.strict=true")
    assert code == 1
    assert "leakage" in errors(err)[0]


def test_train_evaluate_resume_report(command: Any, dataset: Path, tmp_path: Path):
    run = tmp_path / "runs" / "a"
    code, out, err = command(train, f"data.root={dataset}", f"out={run}", *SMALL)
    assert code == 0, err
    assert "auroc" in out
    row = json.loads((run / "metrics.json").read_text())
    ckpt = run / "checkpoints" / "best.ckpt"
    code, _, err = command(evaluate, f"ckpt={ckpt}", f"data.root={dataset}", f"out={tmp_path / 'again'}")
    assert code == 0, err
    again = json.loads((tmp_path / "again" / "evaluation.json").read_text())
    assert all(row[f"test/{name}"] == again[f"test/{name}"] for name in METRICS)
    code, _, err = command(train, f"resume={run}")
    assert code == 0, err
    code, _, err = command(train, f"resume={run}", "seed=3")
    assert code == 1
    assert "leave out seed=3" in errors(err)[0]
    for split, expected in (("exam", "train, val, test"), ("test", "threshold=3")):
        code, _, err = command(evaluate, f"ckpt={ckpt}", f"data.root={dataset}", f"split={split}", "threshold=3")
        assert code == 1
        assert expected in errors(err)[0]


def test_a_sweep_reports_means_and_its_failures(command: Any, dataset: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setenv("WANDB_SILENT", "true")
    runs = tmp_path / "runs"
    words = ("-m", f"data.root={dataset}", f"out={runs}", "seed=0,1", *SMALL)
    assert command(train, *words)[0] == 0
    assert command(train, "-m", f"data.root={dataset}", f"out={runs / 'bad'}", "optim.lr=-1", *SMALL)[0] == 1
    code, out, err = command(report, f"runs={runs}")
    assert code == 0, err
    table = pd.read_csv(runs / "report.csv")
    rows = [json.loads(file.read_text()) for file in runs.glob("train-s*/metrics.json")]
    values = [row["test/auroc"] for row in rows]
    assert len(table) == 1
    assert table.loc[0, "n"] == 2
    assert table.loc[0, "auroc_mean"] == pytest.approx(np.mean(values))
    assert table.loc[0, "auroc_std"] == pytest.approx(np.std(values, ddof=1))
    assert "did not finish" in out
    assert len(rows) == 2
    assert "learning rate" in (runs / "report.md").read_text()
    assert "±" in (runs / "report.md").read_text()


def test_report_refuses_folders_without_runs(command: Any, tmp_path: Path):
    for folder, words in (("nowhere", "no such folder"), (".", "no runs")):
        code, _, err = command(report, f"runs={tmp_path / folder}")
        assert code == 1
        assert words in errors(err)[0]


def test_the_papers_experiment_pins_its_choices(command: Any, compose_train: Any):
    cfg = compose_train("+experiment=paper", "data.root=x", small=False)
    assert cfg.representation["_target_"].endswith("Standardized")
    assert cfg.representation["geometry"] == "resize"
    assert (cfg.model.head["init"], cfg.model.head["norm"]) == ("paper", False)
    assert cfg.trainer["max_epochs"] == 200
    assert (cfg.monitor, cfg.threshold) == ("f1", 0.5)


def test_importing_the_package_does_not_import_wandb():
    code = "import sys, oresort.train; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_wheel_brings_its_configuration(tmp_path: Path):
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", str(ROOT)]
    subprocess.run([*build, "-w", str(tmp_path)], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    run = subprocess.run(
        [sys.executable, "-m", "oresort.train", "--cfg", "job", "data.root=x", "+experiment=ablation_fusion"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Standardized" in run.stdout
    assert "reference: hybrid" in run.stdout
