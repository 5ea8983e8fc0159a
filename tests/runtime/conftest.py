"""A belt and its calibration, once for each file of tests."""

from pathlib import Path

import pytest
from runtime.belts import calibration

from oresort.scan.calibrate.calibration import Calibration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("belt")


@pytest.fixture(scope="module")
def known(home: Path) -> Calibration:
    return calibration(home)
