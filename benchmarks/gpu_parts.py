"""The parts of `gpu.py`, in the order in which they are told."""

import logging
import math
import os
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import gpu
import torch
from gpu_clock import Clock
from gpu_step import apart, peak, step, work

from oresort.belt import write_pairs
from oresort.console.compose import composed
from oresort.errors import InputError, one_line
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.sweep import register_resolvers
from oresort.learn.turns import by_seed, in_turns
from oresort.make import trust

PAIRS = 31_057  # the paper's, 21,739 of them in training


class Parts:
    """All parts on one device; `data` is a dataset or None, `folder` for what is written on the way."""

    def __init__(self, tell: "gpu.Telling", device: str, tiny: bool, data: str | None, folder: Path) -> None:
        self.tell, self.tiny, self.data, self.folder = tell, tiny, data, folder
        self.device = torch.device("cuda" if device == "gpu" else "cpu")
        self.peak, self.epoch_seconds = 0.0, float("inf")
        self.fast, self.runs = "", 0
        bf16 = self.device.type == "cpu" or torch.cuda.is_bf16_supported()
        kinds = gpu.OPTIONS if device == "gpu" else gpu.ON_CPU
        self.options = {name: words for name, words in kinds.items() if bf16 or "bf16" not in name}
        register_resolvers()
        trust("gpu_clock")
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore")

    def all(self) -> None:
        """Tell all parts."""
        self.card()
        self.steps()
        self.pairs()
        for name, words in gpu.MODELS.items():
            self.speed(name, words)
        self.seeds()
        self.whole()

    def card(self) -> None:
        """Tell the card, and its measured peak."""
        facts: dict[str, Any] = {"torch": torch.__version__, "cores": os.cpu_count()}
        if self.device.type == "cuda":
            card = torch.cuda.get_device_properties(self.device)
            facts |= {"card": card.name, "memory, GiB": card.total_memory / 2**30, "CUDA": torch.version.cuda}
        self.tell("device", **facts)
        for option in gpu.OPTIONS.keys() - self.options.keys():
            self.tell("skipped", option=option, why="no bf16" if self.device.type == "cuda" else "no GPU")
        size = 8192 if self.device.type == "cuda" else 256
        self.peak = peak(self.device, size, 0.2 if self.tiny else 2.0)
        self.tell("peak", **{"TFLOP/s": self.peak / 1e12, "of": f"bf16 products of {size}"})

    def steps(self) -> None:
        """Tell how far the first step of the paper's model is from float64 on the CPU."""
        spec = self.spec(*(gpu.NARROW if self.tiny else []))
        size = 16 if self.tiny else 40
        low, high = torch.randn(2, 64, 1, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        label = torch.arange(64) % 2
        wanted = step(spec, (low, high), label, torch.device("cpu"), torch.float64, graph=False)
        kinds = {"float64": (torch.float64, False), "float32": (torch.float32, False), "bf16": (torch.bfloat16, False)}
        if self.device.type == "cuda":
            kinds |= {"TF32": (torch.float32, False), "float32, graph": (torch.float32, True)}
            kinds |= {"bf16, graph": (torch.bfloat16, True)}
        for name, (kind, graph) in kinds.items():
            if "bf16" in name and not any("bf16" in option for option in self.options):
                continue
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "TF32"
            try:
                found = apart(step(spec, (low, high), label, self.device, kind, graph), wanted)
            except RuntimeError as error:
                self.tell.wrong = True
                self.tell("step", option=name, right=False, error=one_line(error)[:300])
                continue
            right = all(found[key] <= gpu.FAR[name] for key in ("loss", "gradients"))  # NaN is not
            right = right and math.isfinite(found["weights"])
            self.tell.wrong |= not right
            self.tell("step", option=name, right=right, **{f"{key} off": value for key, value in found.items()})

    def pairs(self) -> None:
        """Simulate a dataset where none is given."""
        if self.data is None:
            start = time.perf_counter()
            self.data = str(self.folder / "data")
            workers = 1 if self.tiny else os.cpu_count() or 1
            write_pairs(Path(self.data), 150 if self.tiny else PAIRS, 0, workers=workers)
            self.tell("simulated", seconds=time.perf_counter() - start)

    def config(self, words: list[str], option: str, epochs: int) -> TrainConfig:
        """Compose a training that a clock watches."""
        device = "gpu" if self.device.type == "cuda" else "cpu"
        words = [word.format(size=32 if self.tiny else 64) for word in words]
        if self.tiny:
            words += ["data.batch_size=16", *(gpu.NARROW if not words else [])]
        cfg = composed(
            "train", TrainConfig, f"trainer={device}", *words, *self.options[option], f"trainer.max_epochs={epochs}",
            f"data.root={self.data}", "data.resident=true", "trainer.enable_progress_bar=false",
        )  # fmt: skip
        cfg.callbacks["clock"] = {"_target_": "gpu_clock.Clock"}
        return cfg

    def spec(self, *words: str) -> dict[str, Any]:
        """Return the spec of the paper's model, changed by words."""
        model = composed("train", TrainConfig, *words).model
        return {"tower": model.tower, "fusion": model.fusion, "head": model.head, "share": model.share}

    def run(self, cfg: TrainConfig) -> tuple[dict[str, Any], Clock, float]:
        """Train; return the row, the clock, and the seconds to the first step."""
        self.runs += 1
        begun = time.perf_counter()
        row = train(cfg, self.folder / "runs" / f"{self.runs}")
        assert Clock.last is not None
        return row, Clock.last, Clock.last.first - begun

    def speed(self, name: str, words: list[str]) -> None:
        """Tell pairs/s of a model by option, and the share of the peak."""
        for option in self.options:
            if self.tell.left() < (0 if self.tiny else gpu.RESERVE):
                self.tell("skipped", model=name, option=option, why="no time left but for the whole training")
                continue
            cfg = self.config([*words, *([] if self.tiny else ["data.limit=6000"])], option, 2 if self.tiny else 4)
            try:
                row, clock, start = self.run(cfg)
            except (InputError, RuntimeError) as error:
                self.tell.wrong = True
                self.tell("speed", model=name, option=option, right=False, error=one_line(error)[:300])
                continue
            cost = self.cost(cfg)
            figures = {"pairs/s": clock.rate(), "share of peak": clock.rate() * cost / self.peak}
            more = {"MFLOP a pair": cost / 1e6, "start, s": start, "first epoch, s": clock.epochs[0]["train"]}
            self.tell("speed", model=name, option=option, **figures, **more, **{"val AUROC": row["val/auroc"]})
            if name == "paper":
                self.fast = option  # the last one is the fastest that there is
                self.epoch_seconds = PAIRS * 0.7 / clock.rate() + (clock.total("val") + clock.total("rest")) / len(
                    clock.epochs
                )

    def seeds(self) -> None:
        """Tell what three seeds of the compact model cost at once, and one alone."""
        if not self.fast or self.tell.left() < (0 if self.tiny else gpu.RESERVE):
            self.tell("skipped", training="three seeds at once", why="no time left but for the whole training")
            return
        words = [*gpu.MODELS["compact"], *([] if self.tiny else ["data.limit=6000"])]
        cfg = self.config(words, self.fast, 2 if self.tiny else 20)
        seconds = []
        for count in (1, 3):
            begun = time.perf_counter()
            cfg.at_once = list(range(count))
            in_turns({f"{one.seed}": partial(self.run, one) for one in by_seed(cfg)})
            seconds.append(time.perf_counter() - begun)
        self.tell("seeds", model="compact", option=self.fast, **{"one, s": seconds[0], "three at once, s": seconds[1]})

    def cost(self, cfg: TrainConfig) -> float:
        """Return FLOP of a training step a pair."""
        model = {"tower": cfg.model.tower, "fusion": cfg.model.fusion, "head": cfg.model.head, "share": cfg.model.share}
        channels = 2 if cfg.representation.get("mask") else 1
        return work(model, channels, int(cfg.representation.get("size", 40)))

    def whole(self) -> None:
        """Tell of the paper's model, trained for 200 epochs or as many as there is time for."""
        if not self.fast:
            self.tell("skipped", training="the whole one", why="no option of the paper's model ran")
            return
        epochs = 3 if self.tiny else max(0, min(200, int((self.tell.left() - 25) / self.epoch_seconds)))
        if epochs < (2 if self.tiny else 5):
            self.tell("skipped", training="the whole one", why=f"{self.epoch_seconds:.3g} s an epoch")
            return
        if epochs < 200:
            self.tell("shortened", epochs=epochs, why="tiny" if self.tiny else f"{self.epoch_seconds:.3g} s an epoch")
        cfg = self.config([], self.fast, epochs)
        begun = time.perf_counter()
        row, clock, start = self.run(cfg)
        parts = {f"{part}, s": clock.total(part) for part in ("train", "val", "rest")}
        self.tell(
            "whole training", option=self.fast, epochs=epochs, pairs=row["pairs/train"], **{"start, s": start}, **parts,
            **{"first epoch, s": clock.epochs[0]["train"], "pairs/s": clock.rate(), "test, s": row["test_seconds"]},
            **{"all, s": time.perf_counter() - begun, "test AUROC": row["test/auroc"]},
        )  # fmt: skip
