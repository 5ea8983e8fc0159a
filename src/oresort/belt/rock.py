"""What a particle is made of: lithology, host minerals, copper grade, pyrite, magnetite and their texture."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.xray.minerals import MINERALS, mass_fraction

LITHOLOGIES: dict[str, dict[str, float]] = {
    "potassic": {"oligoclase": 0.36, "quartz": 0.28, "orthoclase": 0.18, "biotite": 0.12, "chlorite": 0.06},
    "phyllic": {"quartz": 0.42, "muscovite": 0.32, "chlorite": 0.18, "orthoclase": 0.06, "kaolinite": 0.02},
    "propylitic": {
        "oligoclase": 0.40, "chlorite": 0.18, "quartz": 0.18, "epidote": 0.08, "calcite": 0.08, "hornblende": 0.08,
    },
    "calcic": {"calcite": 0.42, "quartz": 0.18, "diopside": 0.14, "grossular": 0.12,
               "dolomite": 0.10, "andradite": 0.04},
}  # fmt: skip
"""Mean volume fractions of the host minerals in the alteration zones of a porphyry copper deposit."""

_INNER = np.array([0.40, 0.42, 0.12, 0.06])  # shares of the lithologies within the orebody: chosen
_OUTER = np.array([0.20, 0.20, 0.50, 0.10])  # and around it: chosen, propylitic as in the published zoning

PAINTED = ("pyrite", "magnetite", "chalcopyrite", "bornite", "chalcocite")
"""Minerals that occur as grains and veinlets of their own rather than in the host's mixture."""

_COPPER = ("chalcopyrite", "bornite", "chalcocite")
_MOST_PAINTED = 0.6  # of the mass: beyond that it would be a concentrate, not a rock

# median (wt % Cu) and logarithmic sigma of the two populations of grades: assays of Yinshan, Jiangxi
_MINERALISED, _BARREN = (0.30, 1.3), (0.025, 0.9)
_LOG_MEAN, _LOG_SIGMA = -3.19, 1.40  # of ln(wt % Cu) in the published mixture, 80 % barren

# What follows the copper: the value on the barren and on the mineralised side of the orebody's boundary at
# association 1; less association draws both towards their geometric mean. Scan 38 is ore: nothing measured
# here says what barren rock looks like, and how far it differs is chosen for that AUROC.
_PYRITE = (0.5, 5.5)  # median wt %: assays of Yinshan have quartiles of 0.5, 2.1 and 11 % (from sulfur)
_MAGNETITE = (0.8, 0.5)  # median wt %: chosen; alteration consumes some
_VEINLETS = (0.1, 3.0)  # mean count: chosen, ore with the usual 0-3 a particle
_GRAIN = (0.005, 0.04)  # median diameter in mm by number, 11 times that by mass: ore as scan 38
_BANDING = (0.15, 0.6)  # mean contrast: ore as uneven over some mm as scan 38

ASSOCIATION = 0.8
"""Default of the difficulty knob: chosen so that a good network lands near AUROC 0.9 on labels by lot."""

_FOLLOW = 0.5  # correlation of ln(sulfur) and of texture with ln(copper) at association 1; published are 0.3-0.5
# spreads of the logarithm within one side, chosen; sulfur assays spread more, over all rocks of a mine
_SPREAD = {"pyrite": 0.6, "magnetite": 1.0, "veinlets": 0.4, "grain": 0.2, "grain_own": 0.3}


@dataclass(frozen=True)
class Rock:
    """Composition of one particle.

    `hosts` (2, M) are the volume fractions of two bands over the minerals of `MINERALS`, each sums to 1; `painted` (P,)
    are the mass fractions of `PAINTED` aimed at; `porosity` is a volume fraction.
    """

    lithology: str
    mineralised: bool
    hosts: NDArray[np.float64]
    porosity: float
    painted: NDArray[np.float64]
    veinlets: int
    vein_share: float  # of the ore minerals' volume, in veinlets
    grain: float  # median grain diameter in mm
    banding: float  # contrast of the two bands, 0 none to 1


@dataclass(frozen=True)
class Lot:
    """Where the rocks of a scan come from: one bench of the mine.

    `mineralised` is the share of rocks of the mineralised population. With `zoned` each population comes from its own
    side of the orebody's boundary, as when ore and waste are mined apart; without, all rocks share one side, as in one
    mill's feed. `association` (0-1) is the difficulty knob: how far alteration, sulfur, iron and texture follow the
    copper. At 0 only the copper minerals themselves tell ore from waste. `inner` and `outer` (4,) are the shares of
    `LITHOLOGIES` on either side, `sulfur` shifts ln(pyrite).
    """

    mineralised: float
    zoned: bool
    association: float
    inner: NDArray[np.float64]
    outer: NDArray[np.float64]
    sulfur: float


def draw_lot(
    rng: np.random.Generator,
    mineralised: float,
    zoned: bool,
    association: float,
    lithologies: Collection[str] = tuple(LITHOLOGIES),
) -> Lot:
    """Draw a lot: benches of one mine differ in alteration and sulfur, and hold the `lithologies` given alone."""
    inner, outer = rng.dirichlet(8.0 * _INNER), rng.dirichlet(8.0 * _OUTER)
    held = np.array([name in lithologies for name in LITHOLOGIES])
    if not held.all():
        # a lot may hold next to nothing of those that are left: then all of them alike
        inner, outer = (np.where(held, shares + 1e-9, 0.0) for shares in (inner, outer))
        inner, outer = inner / inner.sum(), outer / outer.sum()
    return Lot(mineralised, zoned, association, inner, outer, float(rng.normal(0, 0.4)))


def draw_rock(rng: np.random.Generator, lot: Lot) -> Rock:
    """Draw one rock of a lot."""
    mineralised = bool(rng.random() < lot.mineralised)
    median, sigma = _MINERALISED if mineralised else _BARREN
    grade = float(np.clip(median * np.exp(sigma * rng.standard_normal()), 0.002, 16.0))  # wt % Cu
    # against the mixture of both populations, so that what follows copper does so across them
    score = (np.log(grade) - _LOG_MEAN) / _LOG_SIGMA
    zone = lot.association * (1.0 if mineralised else -1.0) if lot.zoned else 0.0
    # lithology has changed sides wholly at half the association, the minerals' amounts only at all of it
    within = 0.5 + 0.5 * np.clip(2.0 * zone, -1.0, 1.0)
    shares = within * lot.inner + (1.0 - within) * lot.outer
    lithology = list(LITHOLOGIES)[int(rng.choice(len(shares), p=shares))]

    follow = _FOLLOW * lot.association
    own = np.sqrt(1.0 - follow**2)  # keeps the variance at 1 for any association
    sulfur, texture = follow * score + own * rng.standard_normal(2)
    pyrite = _across(_PYRITE, zone, _SPREAD["pyrite"] * sulfur + lot.sulfur)
    magnetite = _across(_MAGNETITE, zone, _SPREAD["magnetite"] * rng.standard_normal())
    metal = rng.dirichlet((8.0, 0.6, 0.3))  # shares of the copper: mostly in chalcopyrite
    copper = [grade * share / mass_fraction(name, "Cu") for share, name in zip(metal, _COPPER, strict=True)]
    painted = np.array([pyrite, magnetite, *copper]) / 100.0  # (P,)
    # pyrite and magnetite give way, never the copper minerals: the grade was drawn
    painted[:2] *= min(1.0, max(_MOST_PAINTED - painted[2:].sum(), 0.0) / painted[:2].sum())
    banding = _across(_BANDING, zone)
    return Rock(
        lithology=lithology,
        mineralised=mineralised,
        hosts=_hosts(rng, lithology),
        porosity=float(rng.beta(1.5, 60.0)),
        painted=painted,
        veinlets=int(rng.poisson(_across(_VEINLETS, zone, _SPREAD["veinlets"] * texture))),
        vein_share=float(rng.beta(2.0, 2.0)),
        grain=_across(_GRAIN, zone, _SPREAD["grain"] * texture + _SPREAD["grain_own"] * rng.standard_normal()),
        banding=float(rng.beta(7.0 * banding, 7.0 * (1.0 - banding))),  # within 0-1 by itself, mean `banding`
    )


def _across(sides: tuple[float, float], zone: float, deviation: float = 0.0) -> float:
    """Return a quantity at `zone`, from -1 (the first of `sides`) to 1 (the second), `deviation` off in ln."""
    barren, mineralised = sides
    return float(barren * (mineralised / barren) ** (0.5 + 0.5 * zone) * np.exp(deviation))


def _hosts(rng: np.random.Generator, lithology: str) -> NDArray[np.float64]:
    """Draw the two bands' minerals: the particle's own mixture about the zone's mean, then each band about it."""
    recipe = LITHOLOGIES[lithology]
    mean = np.array(list(recipe.values()))
    own = rng.dirichlet(40.0 * mean) + 1e-3  # (m,), off 0, where a Dirichlet is not defined
    bands = rng.dirichlet(15.0 * own / own.sum(), size=2)  # (2, m)
    hosts = np.zeros((2, len(MINERALS)))
    hosts[:, [list(MINERALS).index(name) for name in recipe]] = bands
    return hosts
