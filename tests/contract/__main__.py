"""The long form: 100,000 random epochs through the core and its twin, compared bit by bit."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.contract import core, random_epochs

DEVICES, EPOCHS = 2_000, 50


def main() -> int:
    if core.COMPILER is None:
        sys.stdout.write("skipped: no C compiler\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        golden = core.built(Path(folder) / "golden", core.FIRMWARE / "tests/golden/golden.c")
        in_c, in_python = random_epochs.both(golden, devices=DEVICES, epochs=EPOCHS)
    is_same = (in_c == in_python) | (np.isnan(in_c) & np.isnan(in_python))
    differing = int((~is_same.all(axis=-1)).sum())
    sys.stdout.write(f"{DEVICES * EPOCHS:,} epochs, {differing} differ\n")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
