"""Keys and values that a command cannot mean, of every verb; nothing may be made of them, and nothing left."""

from pathlib import Path

from faults.harness import End, Kind
from faults.world import MODEL

_TRAIN = f"train data.root=set {MODEL} out=new"


def _nothing_made(here: Path, _: End) -> None:
    assert not (here / "new").exists(), "a folder of a run that never began"
    assert not (here / "outputs").exists()
    assert not (here / "runs/train").exists()


def _train(word: str, says: str | None = None) -> Kind:
    """A word of `train` that is refused before anything is made, in a line that names its key."""
    key = word.lstrip("+").partition("=")[0].rpartition(".")[2]
    return Kind(f"train {word[:60]}", f"{_TRAIN} '{word}'", says=says or rf"\b{key}\b", holds=_nothing_made)


def _refused(words: str, says: str) -> Kind:
    return Kind(words[:90], words, says=says)


NUMBERS = (
    "seed=-1", "seed=4294967296", "seed=1.5", "seed=x", "seed=null", "seed=true",
    "data.split_seed=-1", "data.split_seed=x", "data.batch_size=0", "data.batch_size=-4", "data.batch_size=1.5",
    "data.batch_size=true", "data.workers=-1", "data.workers=x", "data.limit=0", "data.limit=-5", "data.limit=x",
    "trainer.max_epochs=0", "trainer.max_epochs=-1", "trainer.max_epochs=-5", "trainer.max_epochs=1.5",
    "trainer.max_epochs=x", "trainer.max_epochs=null", "trainer.max_epochs=true", "trainer.devices=0",
    "trainer.devices=-3", "trainer.devices=x", "trainer.limit_train_batches=2.5", "trainer.limit_train_batches=-1",
    "trainer.limit_train_batches=0", "trainer.limit_val_batches=0", "trainer.limit_val_batches=1.5",
    "trainer.gradient_clip_val=-1", "trainer.gradient_clip_val=nan", "trainer.accumulate_grad_batches=0",
    "optim.lr=0", "optim.lr=-1e-3", "optim.lr=nan", "optim.lr=inf", "optim.lr=abc",
    "optim.lr=null", "optim.weight_decay=nan", "optim.weight_decay=-1", "optim.weight_decay=inf",
    "threshold=null", "threshold=true", "threshold=[0.5]", "threshold=7", "threshold=-0.1", "threshold=nan",
    "temperature=0", "temperature=-1", "temperature=nan", "temperature=true", "temperature=null", "temperature=hot",
    "threshold=accuracy_score", "operating.recovery=0", "operating.recovery=1", "operating.recovery=nan",
    "operating.confidence=0.1", "operating.confidence=1", "operating.confidence=high", "operating.of=everything",
    "operating.lost_ore=0", "operating.lost_ore=-1", "operating.lost_ore=inf", "prices=nowhere.yaml", "prices=set",
    "representation.size=0", "representation.size=-4", "representation.size=null",
    "representation.size=1.5", "representation.size=200000", "representation.geometry=round",
    "model.tower.widths=7", "model.tower.widths=[]", "model.tower.widths=[0,4,4]", "model.tower.widths=[4,4,-4]",
    "model.tower.widths=[a,b,c]", "model.tower.widths=[4000000,4,4]", "model.tower.squeeze=0", "model.head.degree=-1",
    "model.head.degree=100000000", "model.head.widths=[0]", "objective.energy_dropout=2",
    "objective.energy_dropout=nan",
    "objective.auxiliary=-1", "objective.balance=0.5", "schedule.warmup=-1",
)  # fmt: skip

WORDS = (
    ("threshold=recovery", "ore particles promise at most .* would do"), ("threshold=value", "no prices"),
    ("trainer.accelerator=gpu", "accelerator|GPU|gpu"), ("trainer.precision=7", "precision"),
    ("trainer.accelerator=abacus", "accelerator"), ("trainer.callbacks=[x]", "callbacks"),
    ("+trainer.nothing=1", r"trainer\.nothing"), ("+trainer.fast_dev_run=true", "fast_dev_run"),
    ("+trainer.enable_checkpointing=false", "enable_checkpointing"),
    ("+lr=1e-3", r"optim\.lr"), ("lr=1e-3", r"optim\.lr"), ("+optim.learning_rate=1", "learning_rate"),
    ("+augment.mixup=0.2", "mixup"), ("+class_weights=[1,2]", "class_weights"), ("model.fusion=concat", "model/fusion"),
    ("model/fusion=nothing", "nothing"), ("recipe=none", "recipe"), ("scale=x", "scale"),
    ("trainer=tpu", "trainer"), ("optim=adamax", "optim"), ("data=set", "data"), ("data.split=random", "random"),
    ("monitor=aurocc", "monitor"), ("compile=fast", "compile"), ("channels_last=perhaps", "channels_last"),
    ("model.tower._target_=os.system", "_target_"), ("model.tower._target_=None", "_target_"),
    ("model.tower._target_=oresort.nothing.X", "_target_"), ("model.tower=null", r"model\.tower|tower"),
    ("model=null", "model"), ("optim=null", "optim"), ("data.root=null", r"data\.root"), ("name=null", "name"),
    ("resume=nowhere", "resume|nowhere"), ("=", "="), ("optim.lr", r"optim\.lr"), ("optim..lr=1", "optim"),
    ("optim.lr=${nothing}", "nothing|optim"), ("data.root=${oc.env:NOT_SET_AT_ALL}", "NOT_SET_AT_ALL"),
    ("seed=[1,2", "seed"), ("~data.root", r"data\.root|root"),
    ("callbacks=[nothing]", "nothing"), ("logger=nothing", "nothing"), ("+experiment=none", "experiment"),
)  # fmt: skip

OTHERS = (
    ("evaluate", "ckpt"), ("evaluate ckpt=run", r"data\.root"), ("evaluate run/checkpoints/best.ckpt", "ckpt="),
    ("evaluate ckpt=run data.root=set split=dev", "split"),
    ("evaluate ckpt=run data.root=set threshold=7", "threshold"),
    ("evaluate ckpt=run data.root=set threshold=nan", "threshold"),
    ("evaluate ckpt=run data.root=set threshold=-1", "threshold"),
    ("evaluate ckpt=run data.root=set threshold=true", "threshold"),
    ("evaluate ckpt=run data.root=set threshold=best", "balanced_accuracy, f1, youden, cost, recovery, value"),
    ("evaluate ckpt=run data.root=set threshold=recovery", "ore particles promise at most .* would do"),
    ("evaluate ckpt=run data.root=set threshold=recovery operating.of=mass", "scans .* are too few .* would do"),
    ("evaluate ckpt=run data.root=set threshold=recovery operating.of=metal", "does not know the grade"),
    ("evaluate ckpt=run data.root=set threshold=value", "no prices"),
    ("evaluate ckpt=run data.root=set prices=nowhere.yaml", r"nowhere\.yaml"),
    ("evaluate ckpt=run data.root=set prices=cal.json", r"cal\.json: .*no such key"),
    ("evaluate ckpt=run data.root=set band=2", "band"), ("evaluate ckpt=run data.root=set rich=perhaps", "rich"),
    ("export ckpt=run out=new.onnx threshold=7", "threshold"), ("export ckpt=run out=new.onnx band=nan", "band"),
    ("export ckpt=run out=/proc/none/new.onnx pairs=4", "/proc/none: .*whether its folder is there"),
    ("evaluate ckpt=run data.root=set out=/proc/none/e", "/proc/none: .*whether its folder is there"),
    ("train data.root=set out=/proc/none/run", "/proc/none: .*whether its folder is there"),
    ("export ckpt=run out=new.onnx threshold=recovery", "ore particles promise at most"),
    ("classic data.root=set threshold=recovery", "ore particles promise at most"),
    ("evaluate ckpt=run data.root=set device=quantum", "device"),
    ("evaluate ckpt=run data.root=set device=cuda:99", "device"),
    ("evaluate ckpt=run data.root=set +tta=true", "tta"),
    ("evaluate ckpt=run data.root=set out=cal.json", r"cal\.json"),
    ("evaluate ckpt=run data.root=set data.cache=cal.json", r"cal\.json"), ("evaluate ckpt=run data=set", "data"),
    ("train data.root=set out=cal.json", r"cal\.json"), ("train data.root=set model/tower=timm", r"model\.tower\.name"),
    ("train data.root=set representation.geometry=canvas representation.extent=0", "extent"),
    ("classic data.root=set out=cal.json", r"cal\.json"),
    ("classic data.root=set method=magic", "method"), ("classic data.root=set +methd=svm", "methd"),
    ("classic data.root=set seed=-1", "seed"), ("classic data.root=set threshold=7", "threshold"),
    ("classic data.root=set threshold=null", "threshold"), ("classic data.root=set data.split_seed=-1", "split_seed"),
    ("report", "runs"), ("report runs=runs split=train", "split"), ("report runs=runs metric=loss", "metric"),
    ("report runs=runs resamples=-1", "resamples"), ("report runs=runs resamples=x", "resamples"),
    ("report runs=runs out=cal.json", r"cal\.json"), ("report runs=nowhere", "nowhere"), ("report runs=set", "set"),
    ("report runs=cal.json", r"cal\.json"), ("explain", "ckpt"),
    ("explain ckpt=run out=cal.json", r"cal\.json"),
    ("explain ckpt=run out=x top=0", "top"), ("explain ckpt=run out=x top=-2", "top"),
    ("explain ckpt=run out=x keep=0", "keep"), ("explain ckpt=run out=x keep=nan", "keep"),
    ("explain ckpt=run out=x keep=2", "keep"), ("explain ckpt=run out=x degree=0", "degree"),
    ("explain ckpt=run out=x degree=-1", "degree"), ("explain ckpt=run out=x degree=1000000000", "degree"),
    ("simulate", "out"), ("simulate out=x", "pairs"), ("simulate out=x pairs=-1", "pairs"),
    ("simulate out=x pairs=1.5", "pairs"), ("simulate out=x pairs=10 seed=-1", "seed"),
    ("simulate out=x pairs=10 kvp=nan", "kvp|voltage"), ("simulate out=x pairs=10 kvp=1000", "kvp|voltage"),
    ("simulate out=x pairs=10 workers=0", "workers"), ("simulate out=x pairs=10 wrong=nan", "wrong"),
    ("simulate out=x pairs=10 wrong=2", "wrong"), ("simulate out=x pairs=10 association=nan", "association"),
    ("simulate out=x pairs=10 association=-1", "association"), ("simulate out=x pairs=10 labels=guess", "labels"),
    ("simulate out=x pairs=10 labels=assay cutoff=nan", "cutoff"),
    ("simulate out=x pairs=10 labels=assay assay_noise=-1", "assay_noise"),
    ("simulate out=x pairs=10 labels=assay mineralised=inf", "mineralised"),
    ("simulate out=x scans=1 particles=0", "particles"), ("simulate out=x pairs=10 background=white", "background"),
    ("simulate out=set pairs=10", "overwrite"), ("simulate out=set pairs=10 overwrite=true", r"dataset\.json"),
    ("simulate out=. pairs=10 overwrite=true", "folder"), ("simulate out=cal.json pairs=10", r"cal\.json"),
    ("simulate out=/proc/x pairs=10", "/proc/x"), ("prepare", "scans|out"), ("prepare scans=nowhere out=x", "nowhere"),
    ("prepare scans=cal.json out=x", r"cal\.json"), ("prepare scans=set out=x", "set"),
    ("prepare scans=raw out=raw", "raw"), ("prepare scans=raw out=x crops=round", "crops"),
    ("prepare scans=raw out=x mask=none", "mask"), ("prepare scans=raw out=x background=white", "background"),
    ("prepare scans=raw out=x convex=nan", "convex"), ("prepare scans=raw out=x neck=0", "neck"),
    ("prepare scans=raw out=x min_area=0", "min_area"), ("prepare scans=raw out=x min_area=-5", "min_area"),
    ("prepare scans=raw out=x drop=[everything]", "drop"), ("prepare scans=raw out=x cutoff=nan", "cutoff"),
    ("prepare scans=raw out=x cutoff=-1", "cutoff"), ("prepare scans=raw out=x label=gold", "label"),
    ("prepare scans=raw out=x low=same high=same", "low"),
    ("prepare scans=raw out=x registration=none", "registration"),
    ("prepare scans=raw out=x calibration=nowhere", "nowhere"), ("prepare scans=raw out=x air=nowhere/air", "air"),
    ("prepare scans=raw out=x batch=../../up", "batch"), ("calibrate scans=raw", "out"),
    ("calibrate scans=raw out=cal.json", "overwrite"), ("calibrate scans=raw out=x", "json"),
    ("calibrate scans=raw out=x.json pixel=-1", "pixel"), ("calibrate scans=raw out=x.json pixel=nan", "pixel"),
    ("calibrate scans=set out=x.json", "set"), ("import_weights", "weights"),
    ("import_weights weights=nowhere out=x.ckpt", "nowhere"),
    ("import_weights weights=run/checkpoints/best.ckpt out=x.ckpt", r"best\.ckpt"),
    ("import_weights weights=cal.json out=x.ckpt", r"cal\.json"), ("import_weights weights=set out=x.ckpt", "set"),
)  # fmt: skip

KINDS = [
    *map(_train, NUMBERS),
    *(_train(*pair) for pair in WORDS),
    *(_refused(*pair) for pair in OTHERS),
    Kind("help without a key", "train --help", holds=lambda _, end: "max_epochs" in end.out or 1 / 0),
]
