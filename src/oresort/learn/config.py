"""The typed configuration of a training run; `conf/train.yaml` explains each key."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from oresort.console.ranges import MOST, SEEDS, Rule, number, one_of, share, whole
from oresort.data.settings import DataConfig
from oresort.learn.score import SCORES
from oresort.sorting import METRICS
from oresort.sorting.operating import THRESHOLD, Operating
from oresort.sorting.temperature import TEMPERATURE

COMPILED = (False, True, "default", "max-autotune-no-cudagraphs")
"""Whether and how torch.compile compiles a model; its modes with CUDA graphs of their own gave wrong numbers."""


@dataclass
class ModelConfig:
    """Specs of a model's parts; see `build_model`."""

    tower: dict[str, Any] = field(default_factory=dict)
    fusion: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    share: bool = False


@dataclass
class RecipeConfig:
    """What `recipe=` sets beyond the keys of others: its name, how KAN heads start, and how long it trains."""

    name: str = "default"
    init: Annotated[str, one_of("linear", "paper", "lecun", "glorot")] = "linear"
    norm: bool = True
    epochs: Annotated[int, whole(1)] = 200


@dataclass
class ScaleConfig:
    """What `scale=` sets beyond the keys of others: its name, and the size of the published networks' images."""

    name: str = "full"
    published_size: Annotated[int, whole(1, 1024)] = 224
    published_pixels: Annotated[int, whole(1, 1024)] = 80


@dataclass
class RatesConfig:
    """Factors of the learning rate, by part of the model."""

    towers: Annotated[float, number(0, 1000, above=True)] = 1.0
    fusion: Annotated[float, number(0, 1000, above=True)] = 1.0
    heads: Annotated[float, number(0, 1000, above=True)] = 1.0


@dataclass
class TrainConfig:
    """One training run."""

    name: str = "train"
    row: str = ""
    reference: str = ""
    out: str | None = None
    resume: str | None = None
    stretches: list[Annotated[int, whole(1)]] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    seed: Annotated[int, whole(0, SEEDS)] = 0
    at_once: list[Annotated[int, whole(0, SEEDS)]] = field(default_factory=list)
    task: Annotated[str, one_of("class", "grade")] = "class"
    cutoff: Annotated[float | None, number(0, 100, above=True)] = None
    recipe: RecipeConfig = field(default_factory=RecipeConfig)
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    data: DataConfig = field(default_factory=DataConfig)
    representation: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)
    weights: str | None = None
    weights_hash: str | None = None
    freeze: list[str] = field(default_factory=list)
    rates: RatesConfig = field(default_factory=RatesConfig)
    optim: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    threshold: Annotated[Any, THRESHOLD] = "balanced_accuracy"
    operating: Operating = field(default_factory=Operating)
    band: Annotated[float, share()] = 0.0
    prices: str | None = None
    temperature: Annotated[Any, TEMPERATURE] = "fitted"
    monitor: Annotated[str, one_of(*METRICS, "loss")] = "auroc"
    score: Annotated[str | None, one_of(*SCORES)] = None
    channels_last: bool = False
    block: Annotated[Any, Rule(0, MOST, whole=True, others=("auto",))] = "auto"
    compile: Annotated[Any, one_of(*COMPILED)] = False
    tf32: bool = False
    trainer: dict[str, Any] = field(default_factory=dict)
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)


def model_spec(cfg: TrainConfig, channels: int) -> dict[str, Any]:
    """Return the spec of a run's model for images of so many channels, see `build_model`."""
    return {**asdict(cfg.model), "channels": channels, **({"grade": True} if cfg.task == "grade" else {})}
