"""What a particle is made of: lithology, host minerals, copper grade, pyrite, magnetite and their texture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.xray.minerals import MINERALS, mass_fraction

LITHOLOGIES: dict[str, dict[str, float]] = {
    "potassic": {"oligoclase": 0.34, "quartz": 0.26, "orthoclase": 0.22, "biotite": 0.13, "chlorite": 0.05},
    "phyllic": {"quartz": 0.42, "muscovite": 0.29, "chlorite": 0.19, "orthoclase": 0.07, "kaolinite": 0.03},
    "propylitic": {
        "oligoclase": 0.36, "chlorite": 0.24, "quartz": 0.14, "epidote": 0.11, "calcite": 0.08, "hornblende": 0.07,
    },
    "calcic": {"calcite": 0.46, "quartz": 0.16, "diopside": 0.14, "grossular": 0.12, "dolomite": 0.08, "andradite": 0.04},
}  # fmt: skip
"""Mean volume fractions of the host minerals in the alteration zones of a porphyry copper deposit."""

_ORDER = list(LITHOLOGIES)
_IN_MINERALISED = np.array([0.38, 0.40, 0.14, 0.08])
_IN_BARREN = np.array([0.14, 0.18, 0.48, 0.20])

PAINTED = ("pyrite", "magnetite", "chalcopyrite", "bornite", "chalcocite")
"""Minerals that occur as grains and veinlets of their own rather than in the host's mixture."""

_COPPER = ("chalcopyrite", "bornite", "chalcocite")
_MAXIMUM_PAINTED = 0.6  # of the mass: beyond that it would be a concentrate, not a rock


@dataclass(frozen=True)
class Rock:
    """Composition of one particle.

    `hosts` (2, M) are the volume fractions of two bands over the minerals of `MINERALS`, each sums to 1;
    `painted` (P,) are the mass fractions of `PAINTED` aimed at; `porosity` is a volume fraction.
    """

    lithology: str
    mineralised: bool
    hosts: NDArray[np.float64]
    porosity: float
    painted: NDArray[np.float64]
    veinlets: int
    vein_share: float  # of the sulfide volume, in veinlets
    grain: float  # median grain diameter in mm
    banding: float  # contrast of the two bands, 0 none to 1


def draw_rock(rng: np.random.Generator, mineralised: bool, association: float) -> Rock:
    """Draw a rock from the mineralised or the barren population of a low-grade copper deposit.

    Grades are lognormal in each population: median 0.3 % Cu, sigma 1.3, and 0.025 %, 0.9 (assays of Yinshan,
    Jiangxi). `association` (0-1) is the difficulty knob: how far alteration, sulfur and texture follow the
    copper; at 0 they are the same in both populations and only the copper mineral itself tells them apart.
    """
    score = rng.standard_normal()
    grade = float(
        np.clip((0.3 * np.exp(1.3 * score)) if mineralised else 0.025 * np.exp(0.9 * score), 0.002, 16.0)
    )
    side = (
        association if mineralised else -association
    )  # where the population lies on each associated property
    shares = 0.5 * ((1 + association) * (_IN_MINERALISED if mineralised else _IN_BARREN))
    shares = shares + 0.5 * (1 - association) * (_IN_BARREN if mineralised else _IN_MINERALISED)
    lithology = _ORDER[int(rng.choice(len(_ORDER), p=shares / shares.sum()))]

    pyrite = float(
        np.exp(np.log(2.0) + 0.45 * side + 1.5 * (0.35 * score * association + rng.normal(0, 0.94)))
    )
    magnetite = float(np.exp(np.log(0.6) - 0.4 * side + rng.normal(0, 1.1)))
    painted = np.array([pyrite, magnetite, *_copper_minerals(rng, grade)]) / 100.0
    painted[:2] *= min(1.0, _MAXIMUM_PAINTED / painted.sum())
    return Rock(
        lithology=lithology,
        mineralised=mineralised,
        hosts=_hosts(rng, lithology),
        porosity=float(rng.beta(1.5, 60.0)),
        painted=painted,
        veinlets=int(rng.poisson(np.exp(0.1 + 0.9 * side))),
        vein_share=float(rng.beta(2.0 + 2.0 * max(side, 0.0), 2.0 + 2.0 * max(-side, 0.0))),
        grain=float(0.35 * np.exp(0.35 * side + rng.normal(0, 0.4))),
        banding=float(rng.beta(2.0, 4.0)),
    )


def _copper_minerals(rng: np.random.Generator, grade: float) -> NDArray[np.float64]:
    """Share a grade in wt % Cu among the copper minerals; wt % of the rock, mostly chalcopyrite."""
    split = rng.dirichlet((8.0, 0.6, 0.3))  # of the copper metal
    return np.array([grade * s / mass_fraction(m, "Cu") for s, m in zip(split, _COPPER, strict=True)])


def _hosts(rng: np.random.Generator, lithology: str) -> NDArray[np.float64]:
    """Draw the two bands' minerals: the particle's own mixture about the zone's mean, then each band about it."""
    recipe = LITHOLOGIES[lithology]
    mean = np.array(list(recipe.values()))
    own = rng.dirichlet(25.0 * mean / mean.sum()) + 1e-3
    bands = rng.dirichlet(15.0 * own / own.sum(), size=2)
    hosts = np.zeros((2, len(MINERALS)))
    hosts[:, [list(MINERALS).index(name) for name in recipe]] = bands
    return hosts
