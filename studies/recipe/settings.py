"""All settings of the search, as words of `oresort.train`."""

PARTS = "modules=[studies.recipe.parts,studies.recipe.starts,studies.recipe.teach]"
LITE = ("recipe=lite", "trainer.max_epochs=30")
COMPACT = ("model/tower=compact", "model/fusion=stack", "model/head=linear", "optim.lr=3.0e-3", "trainer.max_epochs=8")
"""The compact tower as it was recommended before: at ten times the paper's rate, eight epochs."""

TEACHERS = "the-teachers"
"""Stands for the folder of the teachers' runs, which are made before the first setting that names it."""

TEACHER = ("recipe=best", "trainer.max_epochs=30")

_FAST = ("channels_last=true", "data.resident=true")
_COMPACT = ("model/tower=compact", "representation.size=40")
_POOLED = (PARTS, "representation.mask=true", "model.tower._target_=studies.recipe.parts.Pooled")
_PLAIN = ("callbacks=[]", "objective/loss=cross_entropy")


def _mixing(word: str) -> tuple[str, ...]:
    return PARTS, "objective._target_=studies.recipe.parts.Mixing", word


def _loss(name: str) -> tuple[str, ...]:
    bare = ("objective/loss=generalised_cross_entropy", "~objective.loss.q")
    return PARTS, *bare, f"objective.loss._target_=studies.recipe.parts.{name}"


def _start(name: str) -> tuple[str, ...]:
    return PARTS, f"model.tower._target_=studies.recipe.starts.{name}"


def _taught(share: float) -> tuple[str, ...]:
    target = "objective._target_=studies.recipe.teach.Distilled"
    return PARTS, target, f"objective.teachers={TEACHERS}", f"objective.share={share}"


SETTINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "what there was": {
        "compact, 8 epochs": COMPACT,
        "compact, 8 epochs, channels last, on one place": (*COMPACT, *_FAST),
        "compact, 16 epochs": (*COMPACT, *_FAST, "trainer.max_epochs=16"),
    },
    "lite": {
        "as kept": LITE,
        "without average and smoothing": (*LITE, *_PLAIN),
        "15 epochs": (*LITE, "trainer.max_epochs=15"),
        "60 epochs": (*LITE, "trainer.max_epochs=60"),
    },
    "optimiser": {
        "AdamW 3e-3": (*LITE, "optim=adamw", "optim.lr=3.0e-3"),
        "AdamW 1e-2": (*LITE, "optim=adamw", "optim.lr=1.0e-2"),
        "SGD 3e-2": (*LITE, "optim=sgd", "optim.lr=3.0e-2"),
        "Muon 1e-2": (*LITE, "optim.lr=1.0e-2"),
        "Muon 5e-2": (*LITE, "optim.lr=5.0e-2"),
        "Muon, decay 0.1": (*LITE, "optim.weight_decay=0.1"),
        "cosine": (*LITE, "schedule=cosine"),
        "batch 32": (*LITE, "data.batch_size=32"),
        "batch 128": (*LITE, "data.batch_size=128"),
        "batch 256": (*LITE, "data.batch_size=256"),
        "batch 1,024": (*LITE, "data.batch_size=1024"),
        "average of the last 1,000 steps": (*LITE, "callbacks.ema.decay=0.999"),
    },
    "representation": {
        "40 pixels": (*LITE, "representation.size=40"),
        "64 pixels": (*LITE, "representation.size=64"),
        "true scale": (*LITE, "representation.geometry=canvas", "representation.extent=112"),
        "cover as a channel": (*LITE, "representation.mask=true"),
        "standardised": (*LITE, "representation=standardized", "representation.size=56"),
    },
    "pooling": {
        "mean over the particle": (*LITE, *_POOLED),
        "and its deviation": (*LITE, *_POOLED, "model.tower.statistics=[mean,std]"),
        "and its maximum": (*LITE, *_POOLED, "model.tower.statistics=[mean,std,max]"),
        "mean and physical quantities": (*LITE, *_POOLED, "model.tower.physics=true"),
        "mean over the particle, true scale": (
            *LITE, *_POOLED, "representation.geometry=canvas", "representation.extent=112",
        ),
    },
    "tower": {
        "first convolution 3 x 3": (*LITE, "model.tower.kernel=3"),
        "maxima after a full first stage": (*LITE, "model.tower.strided=0", "model.tower.widths=[8,16,32,32]"),
        "one stage with stride": (*LITE, "model.tower.strided=1", "model.tower.widths=[8,16,32,32]"),
        "three stages with stride": (*LITE, "model.tower.strided=3", "model.tower.widths=[8,16,32,32,32]"),
        "wider at the end": (*LITE, "model.tower.widths=[8,16,32,48]"),
        "wider": (*LITE, "model.tower.widths=[12,24,48,48]"),
        "narrower": (*LITE, "model.tower.widths=[8,12,24,24]"),
        "compact tower, 40 pixels": (*LITE, *_COMPACT, "trainer.max_epochs=16"),
        "compact tower, 56 pixels": (*LITE, "model/tower=compact", "trainer.max_epochs=14"),
        "compact tower, twice as wide": (
            *LITE, *_COMPACT, "model.tower.widths=[32,64,64]", "trainer.max_epochs=16",
        ),
    },
    "start": {
        "whitening first layer": (*LITE, *_start("Whitened")),
        "identities, norms fixed": (*LITE, *_start("Identity")),
    },
    "taught": {
        "by four of recipe=best, half": (*LITE, *_taught(0.5)),
        "by four of recipe=best, nine tenths": (*LITE, *_taught(0.9)),
    },
    "fusion, with lite towers": {
        name: (*LITE, f"model/fusion={name}")
        for name in ("low", "high", "difference", "pseudo_color", "concat", "mean", "film", "gmu", "mmtm", "hybrid")
    },
    "head": {
        "MLP": (*LITE, "model/head=mlp", "model.head.widths=[24]"),
        "KAN, two layers, as many parameters": (*LITE, "model/head=kan2", "model.head.widths=[4]"),
        "and a tenth of its rate": (*LITE, "model/head=kan2", "model.head.widths=[4]", "rates.heads=0.1"),
        "and AdamW 3e-3": (*LITE, "model/head=kan2", "model.head.widths=[4]", "optim=adamw", "optim.lr=3.0e-3"),
    },
    "labels that may be wrong": {
        "no smoothing": (*LITE, "objective/loss=cross_entropy"),
        "smoothing 0.2": (*LITE, "objective.loss.smoothing=0.2"),
        "generalised cross-entropy": (*LITE, "objective/loss=generalised_cross_entropy"),
        "symmetric": (*LITE, *_loss("Symmetric")),
        "bootstrapped": (*LITE, *_loss("Bootstrapped")),
    },
    "augmentation": {
        "none": (*LITE, "augment=none"),
        "flips alone": (*LITE, "augment.intensity=0"),
        "gain of each layer to 5 %": (*LITE, "augment.gain=[0.95,1.05]", "augment.balance=[0.95,1.05]"),
        "mixup": (*LITE, *_mixing("objective.mixup=0.4")),
        "cutmix": (*LITE, *_mixing("objective.cutmix=0.5")),
        "a square erased": (*LITE, *_mixing("objective.erase=0.7")),
    },
}  # fmt: skip
