"""The typed configuration of a training run; `conf/train.yaml` explains each key."""

from dataclasses import dataclass, field
from typing import Any

from oresort.data.settings import DataConfig


@dataclass
class ModelConfig:
    """Specs of a model's parts; see `build_model`."""

    tower: dict[str, Any] = field(default_factory=dict)
    fusion: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    share: bool = False


@dataclass
class RecipeConfig:
    """What `recipe=` sets beyond the keys of others: its name, and how KAN heads start."""

    name: str = "default"
    init: str = "linear"
    norm: bool = True


@dataclass
class ScaleConfig:
    """What `scale=` sets beyond the keys of others: its name, and the size of the published networks' images."""

    name: str = "full"
    published_size: int = 224
    published_pixels: int = 80


@dataclass
class TrainConfig:
    """One training run."""

    name: str = "train"
    row: str = ""
    reference: str = ""
    out: str | None = None
    resume: str | None = None
    modules: list[str] = field(default_factory=list)
    seed: int = 0
    recipe: RecipeConfig = field(default_factory=RecipeConfig)
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    data: DataConfig = field(default_factory=DataConfig)
    representation: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)
    optim: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    threshold: Any = "balanced_accuracy"
    monitor: str = "auroc"
    channels_last: bool = False
    compile: Any = False
    tf32: bool = False
    trainer: dict[str, Any] = field(default_factory=dict)
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
