"""The long run: `python -m tests.firmware --devices 50 --nights 2`; prints what was found."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.firmware.simulated import Order, run


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.firmware")
    words.add_argument("--devices", type=int, default=50)
    words.add_argument("--nights", type=int, default=2)
    words.add_argument("--hours", type=float, default=8.0)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--cut", type=float, default=0.02)
    words.add_argument("--faults", type=float, default=0.1)
    order = Order(**vars(words.parse_args()))
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        told, _ = run(order, Path(folder))
    told["seconds"] = round(time.monotonic() - started, 1)
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return int(told["exit"])


if __name__ == "__main__":
    sys.exit(main())
