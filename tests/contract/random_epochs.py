"""Features of random epochs from both sides of the contract. `python -m tests.contract` is the
long form: 100,000 epochs, thirty million windows of 100 ms."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.contract.random_ticks import TickSource
from tests.contract.twin import EPOCH_TICKS, Twin

SEED = 12345
Features = NDArray[np.float32]


def both(golden: Path, *, devices: int, epochs: int) -> tuple[Features, Features]:
    """(devices, epochs, 15) of the core and of the twin, from the same windows."""
    numbers = [str(n) for n in (devices, epochs, SEED)]
    raw = subprocess.run([golden, "random", *numbers], capture_output=True, check=True).stdout
    in_c = np.frombuffer(raw, "<f4").reshape(devices, epochs, 15)
    source, twin = TickSource(devices, SEED), Twin(devices)
    in_python = np.empty_like(in_c)
    for epoch in range(epochs):
        for _ in range(EPOCH_TICKS):
            twin.tick(source.tick())
        in_python[:, epoch] = twin.close(epoch, is_trusted=epoch % 2 == 1)
    return in_c, in_python
