"""The model of a pair: towers, a fusion and heads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.checks import positive, told
from oresort.models.fusions.fusion import Fusion
from oresort.models.grade import GradeReading
from oresort.models.heads.head import Head
from oresort.models.towers.tower import Tower


class Parts(NamedTuple):
    """What a model makes of a batch."""

    logits: Tensor  # (B, 2)
    vectors: tuple[Tensor, ...]  # (B, dim) of each tower
    outputs: Tensor  # (B, 2): the logits themselves, or of a grade what `GradeReading` takes


class PairNet(nn.Module):
    """Classifies pairs: low and high energy, each (B, C, H, W) floats -> logits (B, 2), waste then ore.

    `tower` makes a tower for an image of so many channels, and `head` a head for a vector of so many features; `fusion`
    decides how many. With `share` one tower sees all images. With the paper's parts there are 1,315,868 parameters; the
    1,316,384 of the publication count two layers that its code never uses (2 x 258). With `grade` what the head says is
    read as a grade, see `GradeReading`, and the logits are those of its cut-off.

    Raises:
        InputError: `channels` below 1, `grade` with a fusion that joins votes of several heads, `share` where the
            fusion's images differ in channels, or a hook of the fusion that returns something else than it must.
    """

    def __init__(
        self,
        tower: Callable[[int], Tower],
        fusion: Fusion,
        head: Callable[[int], Head],
        channels: int = 1,
        share: bool = False,
        grade: bool = False,
    ) -> None:
        super().__init__()
        blank = torch.zeros(1, positive("channels", channels), 1, 1)
        with _dry(fusion):
            images = [image.shape[1] for image in _tuple(fusion, "inputs", fusion.inputs(blank, blank))]
        if share and len(set(images)) > 1:
            raise InputError(f"share=true: {type(fusion).__name__} makes images of {images} channels; set it false")
        self.towers = nn.ModuleList(tower(c) for c in (images[:1] if share else images))
        # indices rather than one module listed twice, which would double its keys in the state dict
        self._tower_of = [0 if share else i for i in range(len(images))]
        self.fusion = fusion
        widths = list(zip(*(t.widths for t in self.per_image()), strict=True))
        with told(f"model.fusion: {type(fusion).__name__} cannot be built for towers of widths={widths}"):
            fusion.build(widths)
        with _dry(fusion):
            for stage, width in enumerate(widths):
                maps = tuple(torch.zeros(1, w, 2, 2) for w in width)
                _tuple(fusion, "exchange", fusion.exchange(stage, *maps), like=maps)
            vectors = _tuple(fusion, "features", fusion.features(*(torch.zeros(1, dim) for dim in self.dims)))
            votes = tuple(torch.zeros(1, Head.outputs) for _ in vectors)
            _tuple(fusion, "decide", (fusion.decide(*votes),), like=votes[:1])
        self.heads = nn.ModuleList(head(vector.shape[1]) for vector in vectors)
        if grade and len(self.heads) != 1:
            raise InputError(
                f"task=grade: {type(fusion).__name__} joins votes of {len(self.heads)} heads, which grades are not; "
                "choose a fusion of images or features, e.g. model/fusion=stack"
            )
        self.reading = GradeReading() if grade else None

    @property
    def dims(self) -> tuple[int, ...]:
        """Width of the vector of every image's tower."""
        return tuple(tower.widths[-1] for tower in self.per_image())

    def penalty(self) -> Tensor | None:
        """Return the scalar that the training loss adds for the heads, if any."""
        heads = (head for head in self.heads if isinstance(head, Head))
        found = [p for head in heads if (p := head.penalty()) is not None]
        return torch.stack(found).sum() if found else None

    def per_image(self) -> list[Tower]:
        """Return the tower of every image, the same one for all where it is shared."""
        towers = [tower for tower in self.towers if isinstance(tower, Tower)]
        return [towers[i] for i in self._tower_of]

    def forward(self, low: Tensor | None, high: Tensor | None) -> Tensor:
        """Return the logits (B, 2); an energy that the fusion does not look at may be None.

        Raises:
            InputError: an energy is missing, or the energies' images differ in shape.
        """
        return self.parts(low, high).logits

    def maps(self, low: Tensor | None, high: Tensor | None) -> tuple[Tensor, ...]:
        """Return the maps (B, dim, H', W') that each image's tower makes, before they are pooled."""
        return self.seen(self.fusion.inputs(*self._given(low, high)))

    def seen(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the maps (B, dim, H', W') of images (B, C, H, W), one for each tower, as the fusion makes them."""
        towers, maps = self.per_image(), images
        for stage in range(len(towers[0].stages)):
            maps = tuple(tower.stages[stage](m) for tower, m in zip(towers, maps, strict=True))
            maps = self.fusion.exchange(stage, *maps)  # (B, C', H', W') each
        return maps

    def parts(self, low: Tensor | None, high: Tensor | None) -> Parts:
        """Return the logits as `forward` does, and the vector of each image's tower."""
        return self.told(self.maps(low, high))

    def told(self, maps: tuple[Tensor, ...]) -> Parts:
        """Return what the model makes of the maps (B, dim, H', W') of its towers."""
        vectors = tuple(tower.pool(m) for tower, m in zip(self.per_image(), maps, strict=True))  # (B, dim) each
        joined = self.fusion.features(*vectors)  # (B, width) for each head
        votes = (head(vector) for head, vector in zip(self.heads, joined, strict=True))  # (B, 2) each
        outputs = self.fusion.decide(*votes)
        return Parts(outputs if self.reading is None else self.reading(outputs), vectors, outputs)

    def _given(self, low: Tensor | None, high: Tensor | None) -> tuple[Tensor, Tensor]:
        given = {"low": low, "high": high}
        first, *others = (given[energy] for energy in self.fusion.energies)
        # compared rather than hashed: an export would take a hashed size for the only one
        if first is None or any(other is None or other.shape != first.shape for other in others):
            shapes = {key: "missing" if image is None else tuple(image.shape) for key, image in given.items()}
            raise InputError(
                f"{type(self.fusion).__name__}: needs the {' and the '.join(self.fusion.energies)} energy, of one "
                f"shape; got {', '.join(f'{energy} {shape}' for energy, shape in shapes.items())}; for a single "
                "energy choose fusion=low or fusion=high"
            )
        # the fusion does not look at what is missing here: any tensor will do
        return first if low is None else low, first if high is None else high


def _tuple(fusion: Fusion, hook: str, found: object, like: tuple[Tensor, ...] | None = None) -> tuple[Tensor, ...]:
    """Return what a hook made, or raise InputError unless it is a tuple of tensors (shaped as `like`)."""
    items = found if isinstance(found, tuple) else ()
    tensors = tuple(x for x in items if isinstance(x, Tensor))
    if 0 < len(tensors) == len(items) and (like is None or [x.shape for x in tensors] == [x.shape for x in like]):
        return tensors
    shown = [tuple(getattr(x, "shape", ())) for x in items] if found is items else type(found).__name__
    wanted = f" of shapes {[tuple(x.shape) for x in like]}" if like is not None else ""
    raise InputError(f"{type(fusion).__name__}.{hook}: must return a tuple of tensors{wanted}; got {shown}")


@contextmanager
def _dry(fusion: Fusion) -> Iterator[None]:
    # widths are found by calling the hooks, which must leave neither statistics nor random draws behind
    fusion.eval()
    with torch.no_grad(), told(f"model.fusion: {type(fusion).__name__} cannot join what its towers and heads make"):
        yield
    fusion.train()
