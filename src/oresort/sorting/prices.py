"""What a plant is paid for, and what it pays: one yaml, which `docs/prices.yaml` explains key by key."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

from oresort.console.check import check
from oresort.console.ranges import number
from oresort.errors import InputError
from oresort.sorting.plant import read_plant

NO_PRICES = "no prices; give prices=FILE, docs/prices.yaml explains every key"
"""Why figures of money are left out."""

_MEND = "docs/prices.yaml explains every key"


@dataclass(frozen=True)
class Prices:
    """Prices and costs in one `currency`; InputError for a value out of its range, or costs that contradict sorting."""

    metal_price: Annotated[float, number(0, 1e12, above=True)]  # of a tonne of metal
    mill_cost: Annotated[float, number(0, 1e9, above=True)]  # of a tonne of product, milled
    dump_cost: Annotated[float, number(0, 1e9)]  # of a tonne of tailings, dumped
    sort_cost: Annotated[float, number(0, 1e9)]  # of a tonne of feed, sorted
    mill_recovery: Annotated[float, number(0, 1, above=True)]  # share of the metal in the product that is won
    payable: Annotated[float, number(0, 1, above=True)] = 1.0  # share of that which is paid
    mineral_grade: Annotated[float, number(0, 100, above=True)] = 34.6  # wt % of metal in the mineral that holds it
    currency: str = "$"

    def __post_init__(self) -> None:
        check(self)
        if self.mill_cost <= self.dump_cost:
            raise InputError(
                f"mill_cost={self.mill_cost:g}, dump_cost={self.dump_cost:g}: what costs no more to mill than to dump "
                "is not sorted; see to them"
            )

    @property
    def of_metal(self) -> float:
        """What a tonne of metal in the product brings."""
        return self.metal_price * self.mill_recovery * self.payable

    @property
    def break_even(self) -> float:
        """Grade (wt %) from which on a particle is worth milling rather than dumping."""
        return 100 * (self.mill_cost - self.dump_cost) / self.of_metal

    def at(self, factor: float) -> Self:
        """Return them with another price of metal."""
        return replace(self, metal_price=self.metal_price * factor)

    def plain(self) -> dict[str, Any]:
        """Return them in plain values, for a record."""
        return {**asdict(self), "break_even_grade": self.break_even}


def load_prices(path: str | Path) -> Prices:
    """Read a plant's prices and costs.

    Raises:
        InputError: no such file, a key that is unknown, missing, or of a wrong type or range, or a price at which
            nothing is worth milling.
    """
    prices = read_plant(Path(path), Prices, _MEND)
    if prices.break_even > prices.mineral_grade:
        raise InputError(
            f"{path}: metal_price={prices.metal_price:g}: not even the mineral itself ({prices.mineral_grade:g} wt %) "
            "would pay its milling; give the price of a tonne (1 t is 1,000 kg or 2,204.6 lb), costs in its currency"
        )
    return prices
