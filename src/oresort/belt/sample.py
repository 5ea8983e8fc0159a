"""Some particles in memory, for a check that wants rock rather than noise."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from oresort.belt.conditions import Conditions
from oresort.belt.crops import Crop, simulate_crops
from oresort.belt.rock import draw_lot
from oresort.belt.scan import draw_scene

_SCENE = 16  # particles that lie about on one belt


def sample_crops(count: int, seed: int, background: str) -> Iterator[tuple[Crop, float]]:
    """Yield `count` pairs as `oresort.simulate` cuts them, half of them mineralised, each with its air level in counts.

    `background` of the crops is `zero` or `air`.
    """
    conditions = Conditions()

    def endless() -> Iterator[tuple[Crop, float]]:
        for scene_seed in iter(lambda: seeds.spawn(1)[0], None):
            rng = np.random.default_rng(scene_seed)
            lot = draw_lot(rng, 0.5, True, conditions.association, conditions.lithologies)
            scene = draw_scene(scene_seed, _SCENE, lot, conditions)
            for crop in simulate_crops(scene, keep_background=background == "air"):
                yield crop, sum(scene.settings.air) / 2

    seeds = np.random.SeedSequence(seed)
    return islice(endless(), count)
