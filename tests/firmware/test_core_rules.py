"""The device's core stays portable: it includes nothing of a system, and asks for no heap."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.core import FIRMWARE

# Of the C library only what a freestanding compiler or picolibc has without a system beneath.
ALLOWED = {"stdbool.h", "stddef.h", "stdint.h", "string.h", "math.h"}
FORBIDDEN = re.compile(r"\b(malloc|calloc|realloc|free|printf|time|gettimeofday|rand)\s*\(")
LONGEST_FUNCTION, LONGEST_LINE = 40, 100
CORE = sorted([*FIRMWARE.glob("core/src/*.[ch]"), *FIRMWARE.glob("core/include/noctis/*.h")])
WRITTEN = sorted(
    path
    for part in ("core", "ports/esp32", "ports/host")
    for path in FIRMWARE.glob(f"{part}/**/*.c")
)


def includes(text: str) -> Iterator[str]:
    return (found[1] for found in re.finditer(r'#include [<"](.+)[>"]', text))


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and length of each function: from an opening line at the margin to its brace."""
    for found in re.finditer(
        r"^(?!struct|enum|typedef|static const)\w.*\{\n(?:.*\n)*?\}$", text, re.M
    ):
        yield found[0].split("(")[0], found[0].count("\n") + 1


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_the_core_includes_only_itself_and_the_plain_library(path: Path) -> None:
    foreign = [
        name
        for name in includes(path.read_text())
        if name not in ALLOWED and not name.startswith("noctis/") and name != "cosine_table.h"
    ]

    assert not foreign


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_the_core_asks_for_no_heap_clock_or_console(path: Path) -> None:
    assert not FORBIDDEN.findall(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: p.name)
def test_functions_of_the_firmware_are_short(path: Path) -> None:
    long = [
        (name, count) for name, count in functions(path.read_text()) if count > LONGEST_FUNCTION
    ]

    assert not long


@pytest.mark.parametrize("text", ["#include <stdio.h>\n", '#include "esp_wifi.h"\n'])
def test_a_foreign_header_is_seen(text: str) -> None:
    assert not set(includes(text)) <= ALLOWED


def test_a_long_function_is_seen() -> None:
    text = "static int f(void) {\n" + "    x();\n" * LONGEST_FUNCTION + "}\n"

    assert list(functions(text)) == [("static int f", LONGEST_FUNCTION + 2)]


def test_a_call_for_memory_is_seen() -> None:
    assert FORBIDDEN.search("x = malloc(3);")
