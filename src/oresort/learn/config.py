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
class HelpsConfig:
    """Keywords of `Helps`."""

    energy_dropout: float = 0.0
    auxiliary: float = 0.0
    balance: float = 0.0


@dataclass
class ProtocolConfig:
    """What `protocol=` sets beyond the keys of others: its name, and how KAN heads start."""

    name: str = "default"
    init: str = "linear"
    norm: bool = True


@dataclass
class ScaleConfig:
    """What `scale=` sets beyond the keys of others: its name, and the size of the baselines' images."""

    name: str = "full"
    baseline_size: int = 224
    baseline_pixels: int = 80


@dataclass
class TrainConfig:
    """One training run."""

    name: str = "train"
    row: str = ""
    reference: str = ""
    out: str | None = None
    resume: str | None = None
    seed: int = 0
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    data: DataConfig = field(default_factory=DataConfig)
    representation: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)
    optim: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    helps: HelpsConfig = field(default_factory=HelpsConfig)
    threshold: Any = "balanced_accuracy"
    monitor: str = "auroc"
    channels_last: bool = False
    compile: Any = False
    tf32: bool = False
    trainer: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
