"""Write the vectors anew: `python -m tests.contract.make_vectors`. A change is a new contract."""

import base64
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.contract import layout
from tests.contract.raw import Wires
from tests.contract.raw_scripts import EPOCH, LEAD_IN, minute_in_bed
from tests.contract.raw_scripts import SCRIPTS as RAW_SCRIPTS
from tests.contract.twin import Tick, Twin

FOLDER = Path(__file__).parent
ASLEEP = {"in_bed": 1, "sleep": 0, "move": 0, "heart": -1, "breath": -1, "wave": "-"}
CALM = "0,0,16384,0"


def line(count: int, accel: str = CALM, **changes: object) -> str:
    values = [str(value) for value in (ASLEEP | changes).values()]
    return f"tick {count} {' '.join(values)} {accel}"


def breathing(seconds: int, swing: int) -> list[str]:
    wave = bytes(128 + (swing if i % 2 else -swing) // 2 for i in range(5)).hex()
    return [row for _ in range(seconds) for row in (line(1, wave=wave), line(9))]


def rates() -> list[str]:
    return [
        row
        for i in range(30)
        for row in (line(1, heart=55 + i % 9, breath=12 + i % 4), line(9, move=i % 30))
    ]


def turning() -> list[str]:
    return [
        line(60),
        line(5, "0,0,16384,2000", move=90),
        line(235, "4000,100,15800,10"),
    ]


def wobbling() -> list[str]:
    wave = [round(300 * np.sin(2 * np.pi * 0.25 * i / 10)) for i in range(300)]
    return [line(1, f"{x},{-x // 2},16384,{abs(x) % 40}") for x in wave]


SCRIPTS: dict[str, list[list[str]]] = {
    "nothing_is_known": [["tick 300 -1 -1 -1 -1 -1 - -"]],
    "rates_and_their_change": [rates(), rates(), [line(300, heart=61, breath=15)]],
    "out_of_bed_and_moving": [
        [line(100, in_bed=0, move=81), line(100, in_bed=0, move=80), line(100, "0,0,9,1400")]
    ],
    "a_turn_and_a_turn_back": [turning(), [line(5, "0,0,0,2000"), line(295)]],
    "a_pause_in_breathing": [breathing(30, 60), breathing(5, 60) + breathing(25, 2)],
    "breathing_seen_by_the_accelerometer": [wobbling(), wobbling()],
    "half_an_epoch": [[line(140, heart=60)], [line(300, "-")]],
    "sensors_come_and_go": [
        [line(70, "-"), "tick 100 -1 2 -1 48 -1 - 10,20,16000,300", line(130, sleep=3)]
    ],
}


def tick_of(text: str) -> tuple[int, Tick]:
    """A script's line as a count and a tick of one device."""
    _, count, bed, sleep, move, heart, breath, wave, accel = text.split()
    samples = list(bytes.fromhex(wave)) if wave != "-" else [0] * 5
    numbers = [int(n) for n in accel.split(",")] if accel != "-" else [0] * 4

    def one(value: object) -> np.ndarray:
        return np.array([int(str(value))], np.int64)

    tick = Tick(
        *[one(v) for v in (bed, sleep, move, heart, breath)],
        np.array([wave != "-"]),
        np.array([samples], np.int64),
        np.array([accel != "-"]),
        np.array([numbers[:3]], np.int64),
        one(numbers[3]),
    )
    return int(count), tick


def features() -> Iterator[str]:
    yield "# tick COUNT in_bed sleep_state movement heart breath wave x,y,z,swing; -1, - are gaps"
    yield "# epoch NUMBER CLOCK_TRUSTED and the 15 features as float32 in hex"
    for name, epochs in SCRIPTS.items():
        yield f"script {name}"
        twin = Twin(1)
        for number, rows in enumerate(epochs):
            for row in rows:
                count, tick = tick_of(row)
                for _ in range(count):
                    twin.tick(tick)
                yield row
            values = twin.close(number, is_trusted=number % 2 == 0)[0]
            bits = " ".join(f"{int(v):08x}" for v in values.view(np.uint32))
            yield f"epoch {number} {int(number % 2 == 0)} {bits}"


def raw() -> Iterator[str]:
    yield "# window COUNT, the radar's bytes, the accelerometer's FIFO; - is no byte"
    yield "# codes: the 15 features of an epoch as they stand in flash; the clock is trusted"
    for name, script in RAW_SCRIPTS.items():
        yield f"script {name}"
        wires, twin, ticks = Wires(), Twin(1), 0
        for count, uart, fifo in (*minute_in_bed(), *script(), (1, b"", b"")):
            yield f"window {count} {uart.hex() or '-'} {fifo.hex() or '-'}"
            for _ in range(count):
                tick = wires.window(uart, fifo)
                if ticks > LEAD_IN and (ticks - LEAD_IN) % EPOCH == 0:
                    values = twin.close((ticks - LEAD_IN) // EPOCH, is_trusted=True)[0]
                    codes = [layout.code(i, value) for i, value in enumerate(values)]
                    yield "codes " + " ".join(f"{code:04x}" for code in codes)
                if ticks >= LEAD_IN:
                    twin.tick(tick)
                ticks += 1


def records() -> Iterator[str]:
    draw = random.Random(8)
    yield "# sequence type index recording at_ms payload slot"
    for kind in (0x11, 0x22, 0x33, 0x44, 0x55, 0x66):
        for sequence in (65, 2**32 - 1, draw.getrandbits(32)):
            place = (draw.getrandbits(12), draw.getrandbits(32), draw.getrandbits(41) - 2**40)
            payload = draw.randbytes(30)
            slot = layout.record(sequence, kind, place, payload)
            numbers = " ".join(str(n) for n in place)
            yield f"{sequence} {kind} {numbers} {payload.hex()} {slot.hex()}"


def payloads() -> Iterator[str]:
    draw = random.Random(9)
    yield "# 15 codes, little-endian hex, and the base64 of their float32"
    for _ in range(50):
        codes = [draw.choice((0xFFFF, 0, 32768, draw.getrandbits(16))) for _ in range(15)]
        packed = struct.pack("<15H", *codes).hex()
        yield f"{packed} {base64.b64encode(layout.wire(codes)).decode()}"


def bodies() -> Iterator[str]:
    yield "# started_ms zone recording first count crc32, then the two bodies: start, batch"
    identity = "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d"
    for started, first, count in (
        (1763676870042, 0, 1),
        (1763676870999, 118, 3),
        (1767225600000, 0, 120),
    ):
        packed = []
        for index in range(first, first + count):
            payload = bytes((index * 37 + k * 11) % 256 for k in range(30))
            packed.append(layout.wire(list(struct.unpack("<15H", payload))))
        body, crc = layout.batch_body(identity, first, packed)
        yield f"{started} Europe/Berlin {identity} {first} {count} {crc:08x}"
        yield layout.start_body("NB-0007", started, "Europe/Berlin")
        yield body


REPORTS = (
    (0x85, 0x02, b"\x3c"),
    (0x81, 0x05, bytes((128, 140, 150, 140, 128))),
    (0x80, 0x04, b"\x00\xb4"),
    (0x84, 0x0C, bytes((1, 2, 15, 62, 4, 30, 5, 1))),
    (0x84, 0x82, b"\x00"),
    (0x81, 0x82, b"\x0e"),
)


def radar() -> Iterator[str]:
    draw = random.Random(10)
    yield "# bytes on the wire, and the frames in them: control command data, each in hex"
    for _ in range(40):
        stream, frames = b"", []
        for control, command, data in draw.choices(REPORTS, k=draw.randint(1, 5)):
            noise = bytes(draw.randrange(256) for _ in range(draw.randint(0, 6)))
            stream += noise.replace(b"\x53", b"\x00")
            good = layout.radar_frame(control, command, data)
            if draw.random() < 0.3:  # a frame with a wrong sum before the right one
                stream += good[:-3] + bytes([good[-3] ^ 0x10]) + good[-2:]
            stream += good
            frames.append(f"{control:02x}{command:02x}{data.hex()}")
        yield f"{stream.hex()} {' '.join(frames)}"


VECTORS = {
    "radar.txt": radar,
    "raw.txt": raw,
    "features.txt": features,
    "records.txt": records,
    "payloads.txt": payloads,
    "bodies.txt": bodies,
}


def text_of(name: str) -> str:
    return "\n".join(VECTORS[name]()) + "\n"


if __name__ == "__main__":
    for name in VECTORS:
        (FOLDER / name).write_text(text_of(name))
