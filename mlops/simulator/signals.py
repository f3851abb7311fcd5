"""A sleeper's rates and movements by stage, before anything goes wrong with the device."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlops.simulator.draws import Draws
from mlops.simulator.tables import BREATHING, HEART, MOVEMENT, REM, Rate

Signal = NDArray[np.float64]  # (epochs,), NaN for a gap
LIVELIEST = 40
# An epoch counts as moving above this share of it; below the other, a wrist counts nothing.
STIRS_BY, HALF_MOVING, STILL_BELOW = 5, 20, 0.07
# Of the logarithm of a rate's spread between sleepers; from epoch to epoch each rate has its own.
SPREAD_APART = 0.3
MOVES_ABOVE = np.array([NormalDist().inv_cdf(1 - chance) for chance in MOVEMENT])


@dataclass(frozen=True)
class Sleeper:
    """One night of several that were drawn together, cut to its length."""

    stages: NDArray[np.int8]  # (epochs,)
    traits: dict[str, float]
    waves: dict[str, Signal]
    chances: NDArray[np.float64]  # (chances,)
    rest: np.random.Generator


def sleeper(draws: Draws, night: int, stages: NDArray[np.int8]) -> Sleeper:
    return Sleeper(
        stages,
        {name: float(trait[night]) for name, trait in draws.traits.items()},
        {name: wave[night, : len(stages)] for name, wave in draws.waves.items()},
        draws.chances[night],
        draws.rest[night],
    )


def heart(who: Sleeper) -> dict[str, Signal]:
    mean, spread = _rate(who, "heart", HEART)
    return {"hr_mean": mean, "hr_std": spread}


def breathing(who: Sleeper) -> dict[str, Signal]:
    mean, spread = _rate(who, "breathing", BREATHING)
    return {"rr_mean": mean, "rr_std": spread}


def _rate(who: Sleeper, name: str, rate: Rate) -> tuple[Signal, Signal]:
    """A rate's mean and its spread within each epoch."""
    middle, apart = rate.base
    base = middle + apart * float(np.clip(who.traits[name], -2.5, 2.5))
    deviation = np.array(rate.spread)[who.stages]
    mean = base * np.array(rate.factor)[who.stages] + deviation * who.waves[name]
    own = SPREAD_APART * who.traits[f"{name}_spread"]
    unrest = own + rate.unrest * who.waves[f"{name}_spread"]
    return mean, np.minimum(deviation * np.exp(unrest), LIVELIEST)


def movements(who: Sleeper) -> dict[str, Signal]:
    """Counts of a wrist grow threefold in logarithm with its unrest, and are felt less and less."""
    beyond = who.waves["movement"] - MOVES_ABOVE[who.stages]
    counts = np.exp(3 * beyond) * STIRS_BY * HALF_MOVING / (100 - STIRS_BY)
    amount = np.where(counts < STILL_BELOW, 0, 100 * counts / (counts + HALF_MOVING))
    large = amount * np.where(amount > 15, 0.5, 0.1)
    return {
        "large_move_pct": large,
        "minor_move_pct": amount - large,
        "vib_move_pct": amount,
        "vib_resp_q": np.clip(70 - 0.6 * amount + 8 * who.waves["quality"], 0, 100),
        "turnovers_delta": _counted(who, np.where(large > 8, 0.6, 0.01)),
        "apnea_delta": _counted(who, np.where(who.stages == REM, 0.06, 0.03)),
    }


def _counted(who: Sleeper, expected: Signal) -> Signal:
    return np.minimum(who.rest.poisson(expected), 10).astype(np.float64)
