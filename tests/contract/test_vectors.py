"""The vectors are what the documents say, what the server reads and what the C core computes."""

import base64
import re
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from recordings import batches, schemas
from tests.contract import layout, make_vectors, random_epochs

FOLDER = Path(__file__).parent
SCHEMA = schemas.SHIPPED[schemas.ACTIVE_VERSION]
HEADER = FOLDER.parents[1] / "firmware/core/include/noctis/features.h"


def rows(name: str) -> list[str]:
    return [r for r in (FOLDER / name).read_text().splitlines() if not r.startswith("#")]


@pytest.mark.parametrize("name", make_vectors.VECTORS)
def test_the_stored_vectors_are_what_the_documents_say(name: str) -> None:
    assert (FOLDER / name).read_text() == make_vectors.text_of(name)


def test_the_core_computes_the_stored_vectors(golden: Path) -> None:
    ran = subprocess.run([golden, FOLDER], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout


def test_features_of_random_epochs_are_the_same_bits_in_c_and_python(golden: Path) -> None:
    in_c, in_python = random_epochs.both(golden, devices=2_000, epochs=2)

    assert np.array_equal(in_c, in_python, equal_nan=True)
    known = ~np.isnan(in_c)
    assert known.any(axis=(0, 1)).all()
    assert all(np.ptp(in_c[..., i][known[..., i]]) > 0 for i in range(15))


def test_the_order_and_names_are_the_servers_schema() -> None:
    enumerated = HEADER.read_text().split("enum {")[1].split("}")[0]
    names = [name.strip().removeprefix("F_").lower() for name in enumerated.split(",")]

    assert [name for name in names if name] == [feature.name for feature in SCHEMA]


def test_every_code_of_a_feature_is_in_the_servers_range() -> None:
    text = (FOLDER.parents[1] / "firmware/core/src/quantise.c").read_text()
    table = re.findall(r"^    \{(.*)\}, +/\*", text, re.M)

    scales = [tuple(number.strip() for number in row.split(",")) for row in table]

    assert [(float(s[0]), float(s[1])) for s in scales] == [(f.minimum, f.maximum) for f in SCHEMA]
    assert [int(s[2]) for s in scales] == list(layout.STEPS)


def test_the_server_reads_each_payload_as_the_device_meant_it() -> None:
    for row in rows("payloads.txt"):
        codes_hex, text = row.split()
        codes = struct.unpack("<15H", bytes.fromhex(codes_hex))

        got = np.frombuffer(batches.unpacked(text), "<f4")

        gaps = np.array(codes) == layout.GAP_CODE
        wanted = (np.array(codes) - [layout.SIGNED.get(i, 0) for i in range(15)]) / layout.STEPS
        assert np.array_equal(np.isnan(got), gaps)
        assert np.array_equal(got[~gaps], wanted[~gaps].astype(np.float32))


def test_a_gap_on_the_wire_is_the_servers_one_spelling_of_a_gap() -> None:
    wire = layout.wire([layout.GAP_CODE] * 15)

    matrix = np.frombuffer(wire, "<f4").reshape(1, 15)

    assert batches.canonical(matrix).tobytes() == wire
    assert batches.checksum_of(batches.canonical(matrix)) == f"{zlib.crc32(wire):08x}"


def test_every_feature_of_a_script_is_within_the_servers_schema() -> None:
    low, high = batches.limits(SCHEMA)
    for row in rows("features.txt"):
        if row.startswith("epoch"):
            bits = np.array([int(word, 16) for word in row.split()[3:]], np.uint32)
            values = bits.view(np.float32)
            assert np.all(np.isnan(values) | ((values >= low) & (values <= high)))


def test_a_batchs_checksum_is_the_one_the_server_echoes() -> None:
    lines = rows("bodies.txt")
    for head, body in zip(lines[::3], lines[2::3], strict=True):
        packed = body.split('"epochs":"')[1].removesuffix('"}')

        checksum = f"{zlib.crc32(base64.b64decode(packed)):08x}"

        assert checksum == head.split()[-1]
