"""The bases of KAN layers. Each is one class here and one file in conf/model/head/."""

import math

import torch
from torch import Tensor

from oresort.errors import InputError
from oresort.models.checks import MOST_PARTS, positive
from oresort.models.kan.basis import Basis

BUMP_START = 0.1  # local bumps begin small beside the straight line


class Chebyshev(Basis):
    """Chebyshev polynomials T_1 ... T_degree of tanh(x), the paper's; InputError if `degree` is below 1.

    By the recurrence T_{n+1} = 2 u T_n - T_{n-1} (Abramowitz & Stegun 22.7.4). Its gradient is finite everywhere;
    that of cos(n arccos u) is NaN as soon as tanh rounds to 1.
    """

    def __init__(self, degree: int = 6) -> None:
        self.columns = positive("degree", degree, MOST_PARTS)
        # the slope of T_n grows like n^2; damped so, six layers are no chaotic map at the start
        self.start = (1.0, *(0.3 / n**2 for n in range(2, degree + 1)))

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Map (..., in) to T_1 ... T_degree."""
        u = torch.tanh(x)
        double = 2 * u
        columns = [u, double * u - 1]
        while len(columns) < self.columns:
            columns.append(double * columns[-1] - columns[-2])
        return columns[: self.columns]


class Jacobi(Basis):
    """Jacobi polynomials P_1 ... P_degree of tanh(x), each divided by its largest value on [-1, 1].

    `alpha` weighs the end at 1, `beta` that at -1: alpha = beta = 0 are Legendre's, -1/2 Chebyshev's, others of
    alpha = beta Gegenbauer's. By the three-term recurrence (Abramowitz & Stegun 22.7.1).

    Raises:
        InputError: `degree` below 1, or `alpha` or `beta` not above -1.
    """

    def __init__(self, degree: int = 6, alpha: float = 0.0, beta: float = 0.0) -> None:
        self.columns = positive("degree", degree, MOST_PARTS)
        for key, value in (("alpha", alpha), ("beta", beta)):
            if not (-1 < value < math.inf):
                raise InputError(f"{key}={value!r}: give a number above -1")
        self.alpha, self.beta = float(alpha), float(beta)
        self.start = (1.0, *(0.3 / n**2 for n in range(2, degree + 1)))
        # divided by the largest value, so that one scale of coefficients suits all degrees; it lies on the
        # ends for alpha or beta >= -1/2, else inside, and a fine grid of cosines finds either
        grid = torch.cos(torch.linspace(0, math.pi, 4001, dtype=torch.float64))
        self.scale = [1 / float(p.abs().max()) for p in self._plain(grid)]

    def _plain(self, u: Tensor) -> list[Tensor]:
        a, b = self.alpha, self.beta
        columns = [(a + b + 2) / 2 * u + (a - b) / 2]
        before: Tensor | float = 1.0
        for n in range(2, self.columns + 1):
            s = 2 * n + a + b
            divisor = 2 * n * (n + a + b) * (s - 2)
            slope, offset = s * (s - 1) * (s - 2) / divisor, (s - 1) * (a**2 - b**2) / divisor
            back = 2 * (n + a - 1) * (n + b - 1) * s / divisor
            line = slope * u + offset if offset else slope * u
            columns.append(line * columns[-1] - back * before)
            before = columns[-2]
        return columns

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Map (..., in) to P_1 ... P_degree, each at most 1 in size."""
        columns = self._plain(torch.tanh(x))
        return [scale * column for scale, column in zip(self.scale, columns, strict=True)]


class Legendre(Jacobi):
    """Legendre polynomials P_1 ... P_degree of tanh(x); InputError if `degree` is below 1."""

    def __init__(self, degree: int = 6) -> None:
        super().__init__(degree)


class RBF(Basis):
    """Gaussians exp(-((u - c) / h)^2) with centers c evenly over [-1, 1] and h their distance; and u itself.

    InputError for fewer than 2 centers.
    """

    def __init__(self, centers: int = 8) -> None:
        if positive("centers", centers, MOST_PARTS) < 2:
            raise InputError("centers=1: give at least 2")
        self.step = 2 / (centers - 1)
        self.centers = [self.step * i - 1 for i in range(centers)]
        self.columns = centers + 1
        self.start = (1.0, *[BUMP_START] * centers)

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Map (..., in) to u and the Gaussians."""
        u = torch.tanh(x)
        return [u, *(torch.exp(-(((u - c) / self.step) ** 2)) for c in self.centers)]


class BSpline(Basis):
    """Cubic B-splines on a uniform grid of `cells` over [-1, 1], 3 more than cells; and u itself.

    In closed form: (relu(2 - a)^3 - 4 relu(1 - a)^3) / 6 with a the distance to the spline's center in grid cells.
    The splines sum to 1 everywhere. InputError if `cells` is below 1.
    """

    def __init__(self, cells: int = 5) -> None:
        self.step = 2 / positive("cells", cells, MOST_PARTS)
        self.centers = [self.step * i - 1 for i in range(-1, cells + 2)]
        self.columns = len(self.centers) + 1
        self.start = (1.0, *[BUMP_START] * len(self.centers))

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Map (..., in) to u and the splines."""
        u = torch.tanh(x)
        distances = (((u - center) / self.step).abs() for center in self.centers)
        return [u, *((torch.relu(2 - a) ** 3 - 4 * torch.relu(1 - a) ** 3) / 6 for a in distances)]


class Fourier(Basis):
    """sin(n t), cos(n t) for n = 1 ... frequencies, with t = (pi / 2) tanh(x).

    Half a period spans the inputs, so that both ends are free. Sines and cosines of multiples follow from the first by
    the addition theorems. InputError if `frequencies` is below 1.
    """

    def __init__(self, frequencies: int = 3) -> None:
        self.columns = 2 * positive("frequencies", frequencies, MOST_PARTS)
        damped = [(0.3 / n**2, 0.3 / n**2) for n in range(2, frequencies + 1)]
        self.start = (1.0, 0.3, *sum(damped, ()))

    def __call__(self, x: Tensor) -> list[Tensor]:
        """Map (..., in) to sin t, cos t, sin 2t, cos 2t ..."""
        angle = math.pi / 2 * torch.tanh(x)
        sine, cosine = torch.sin(angle), torch.cos(angle)
        columns = [sine, cosine]
        while len(columns) < self.columns:
            s, c = columns[-2:]
            columns += [s * cosine + c * sine, c * cosine - s * sine]
        return columns
