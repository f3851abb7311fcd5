"""noctis-sim built and run against a stack of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.stack import REPOSITORY, Stack, running_stack
from tests.contract import core

HAS_OPENSSL = Path("/usr/include/openssl/evp.h").exists()


@dataclass(frozen=True)
class Order:
    devices: int
    nights: int
    hours: float
    seed: int = 1
    cut: float = 0.02
    faults: float = 0.1

    def words(self) -> list[str]:
        return [
            *("--devices", str(self.devices), "--nights", str(self.nights)),
            *("--hours", str(self.hours), "--seed", str(self.seed), "--speed", "max"),
            *("--cut", f"random:{self.cut}", "--faults", str(self.faults), "--labels"),
        ]


def built(folder: Path) -> Path:
    sources = sorted(core.FIRMWARE.glob("sim/*.c"))
    return core.built(folder / "noctis-sim", *sources, libraries=("-lcrypto",))


def run(order: Order, folder: Path) -> tuple[dict[str, Any], Stack]:
    """Live the nights; answers what the simulator found, and the stack for a look of one's own."""
    simulator = built(folder)
    with running_stack(nights=0) as stack:
        fleet = ["-m", "tests.firmware.fleet", str(folder), str(order.devices)]
        subprocess.run(
            [sys.executable, *fleet], cwd=REPOSITORY, env=dict(stack.environment), check=True
        )
        server = ["--server", f"http://127.0.0.1:{stack.port}"]
        identities = ["--identities", str(folder / "identities")]
        ran = subprocess.run(
            [simulator, *server, *identities, *order.words()],
            capture_output=True,
            text=True,
            check=False,
        )
        told = json.loads(ran.stdout) if ran.stdout else {}
        told |= {"exit": ran.returncode, "said": ran.stderr, "rows": len(stack.rows())}
        return told, stack
