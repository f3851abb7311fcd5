"""The wiring that people solder is the one that the ESP32 port drives."""

import re

from tests.contract.core import FIRMWARE

STRAPPING = {0, 2, 5, 12, 15}


def pins_of_the_port() -> dict[str, int]:
    text = (FIRMWARE / "ports/esp32/esp32_port.h").read_text()
    return {name: int(pin) for name, pin in re.findall(r"PIN_(\w+) = (\d+)", text)}


def pins_of_the_table() -> dict[str, int]:
    text = (FIRMWARE.parent / "hardware/README.md").read_text()
    return {name: int(pin) for name, pin in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.M)}


def test_the_table_of_wires_has_the_ports_pins() -> None:
    assert pins_of_the_table() == pins_of_the_port()


def test_each_wire_has_a_pin_of_its_own_and_none_decides_how_the_chip_boots() -> None:
    pins = pins_of_the_port().values()

    assert len(set(pins)) == len(pins) == 12
    assert not STRAPPING & set(pins)
