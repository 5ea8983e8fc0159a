"""Ground truth of a particle, integrated over what was painted."""

from dataclasses import dataclass

import numpy as np

from oresort.belt.imaging import Shadow
from oresort.belt.rock import PAINTED, Rock
from oresort.belt.texture import PAINTED_DENSITY
from oresort.xray.minerals import MINERALS, mass_fraction


@dataclass(frozen=True)
class Truth:
    """Grade in wt % Cu, mass in g, lithology, population, and mass fractions of all minerals (0-1, sum 1)."""

    grade: float
    mass: float
    lithology: str
    mineralised: bool
    minerals: dict[str, float]


def weigh(shadow: Shadow, rock: Rock) -> Truth:
    """Return the truth of one particle: volumes that were painted times density, nothing assumed."""
    volumes = shadow.volumes
    grams: dict[str, float] = dict.fromkeys(MINERALS, 0.0)
    densities = np.array([m.density for m in MINERALS.values()])
    hosts = (volumes[:2, None] * (1.0 - rock.porosity) * rock.hosts * densities).sum(axis=0) / 1000.0
    for name, value in zip(MINERALS, hosts, strict=True):
        grams[name] += float(value)
    for name, value in zip(PAINTED, volumes[2:] * PAINTED_DENSITY / 1000.0, strict=True):
        grams[name] += float(value)
    mass = sum(grams.values())
    copper = sum(value * mass_fraction(name, "Cu") for name, value in grams.items() if value > 0)
    fractions = {name: value / mass for name, value in grams.items()}
    return Truth(100.0 * copper / mass, mass, rock.lithology, rock.mineralised, fractions)
