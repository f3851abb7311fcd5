"""The core built for the contract's tests; without a C compiler they say so and are skipped."""

from pathlib import Path

import pytest

from tests.contract import core


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if core.COMPILER is None:
        pytest.skip("no C compiler: the device's core cannot be built here")
    target = tmp_path_factory.mktemp("core") / "golden"
    return core.built(target, core.FIRMWARE / "tests/golden/golden.c")
