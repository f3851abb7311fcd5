"""Nights of simulated devices reach a platform whole: none lost, none twice, no bit bent."""

from pathlib import Path

import pytest

from tests.contract import core
from tests.firmware.simulated import HAS_OPENSSL, Order, run

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(core.COMPILER is None, reason="no C compiler"),
    pytest.mark.skipif(not HAS_OPENSSL, reason="no OpenSSL headers for the simulator"),
]


def test_what_devices_keep_durably_is_what_the_platform_has(tmp_path: Path) -> None:
    told, _ = run(Order(devices=2, nights=2, hours=1.0, cut=0.05, faults=0.2), tmp_path)

    assert told["exit"] == 0, told
    assert told["epochs_on_device"] == told["epochs_on_server"] == told["rows"] > 400
    assert told["power_cuts"] > 5
    assert told["faults"] > 5
