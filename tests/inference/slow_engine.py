"""The engine again, one epoch at a time and as plainly as can be: what the fast one is held to."""

import math
from dataclasses import replace
from itertools import product

import numpy as np

from inference.engine import Chain, Clock, Fixed, Linear, Model, Network, Night, Window

NEUTRAL = 0.0


def normalised(model: Model, features: np.ndarray) -> np.ndarray:
    """(epochs, features), feature by feature."""
    found = np.full(features.shape, np.nan)
    for column in range(features.shape[1]):
        line = [counting(model, column, float(value)) for value in features[:, column]]
        known = [value for value in line if math.isfinite(value)]
        for epoch, value in enumerate(line):
            if math.isfinite(value):
                found[epoch, column] = one_normalised(model, column, value, known)
    return found


def counting(model: Model, column: int, value: float) -> float:
    """What counts of a value: itself, or the logarithm of its magnitude, as it is stored."""
    least = getattr(model.normalisation, "least", None)
    if least is None or least[column] == 0 or not math.isfinite(value):
        return value
    return float(np.float32(math.log(max(abs(value), float(least[column])))))


def one_normalised(model: Model, column: int, value: float, known: list[float]) -> float:
    rule = model.normalisation
    if isinstance(rule, Fixed):
        return (value - float(rule.mean[column])) / float(rule.scale[column])
    low, median, high = (float(np.quantile(known, share)) for share in (0.25, 0.5, 0.75))
    floor = 0.0 if rule.floor is None else float(rule.floor[column])
    scale = max((high - low) / 1.349, floor) or 1.0
    return min(max((value - median) / scale, -rule.limit), rule.limit)


def columns(model: Model, normal: np.ndarray, first_index: int) -> np.ndarray:
    places = model.columns.places or range(normal.shape[1])
    seen = np.array([[row[place] for place in places] for row in normal])
    rows = [columns_of(model, seen, at, first_index + at) for at in range(len(seen))]
    if model.columns.apart_by is not None:
        blank = [0.0] * len(rows[0]) if rows else []
        is_apart = apart(model, normal)
        rows = [[*blank, *row] if is_apart else [*row, *blank] for row in rows]
    return np.array(rows).reshape(len(normal), -1)


def apart(model: Model, normal: np.ndarray) -> bool:
    """Whether most of the known epochs know the feature that tells nights apart."""
    if model.columns.apart_by is None:
        return False
    places = model.columns.places or range(normal.shape[1])
    place = list(places)[model.columns.apart_by]
    known = [row for row in normal if not all(math.isnan(value) for value in row)]
    return 2 * sum(not math.isnan(row[place]) for row in known) > len(known)


def columns_of(model: Model, seen: np.ndarray, at: int, index: int) -> list[float]:
    found: list[float] = []
    row, hours = seen[at], max(index, 0) * 30 / 3600
    for step in model.columns.steps:
        if step == "features":
            found += [NEUTRAL if math.isnan(value) else float(value) for value in row]
        elif step == "known":
            found += [float(any(not math.isnan(value) for value in row))]
        elif step == "known_each":
            found += [float(not math.isnan(value)) for value in row]
        elif step == "context":
            found += around(seen, at)
        else:
            found += [hours / 8 if step == "elapsed" else (hours / 8) ** 2]
    return found


def around(seen: np.ndarray, at: int) -> list[float]:
    """Over 5, 10, 20 and 40 epochs to each side: mean, spread, most and change of each feature."""
    found: list[float] = []
    for reach in (5, 10, 20, 40):
        parts = [
            range(at - reach, at + reach + 1),
            range(at - reach, at),
            range(at + 1, at + 1 + reach),
        ]
        whole, before, after = (
            [known_at(seen, column, part) for column in range(seen.shape[1])] for part in parts
        )
        found += [sum(values) / len(values) if values else 0.0 for values in whole]
        found += [float(np.std(values)) if values else 0.0 for values in whole]
        found += [max(values, default=0.0) for values in whole]
        found += [
            sum(later) / len(later) - sum(sooner) / len(sooner) if sooner and later else 0.0
            for sooner, later in zip(before, after, strict=True)
        ]
    return found


def known_at(seen: np.ndarray, column: int, places: range) -> list[float]:
    there = [float(seen[place, column]) for place in places if 0 <= place < len(seen)]
    return [value for value in there if not math.isnan(value)]


def count_known(window: Window, known: list[bool], at: int) -> int:
    around = range(at - window.before, at + window.after + 1)
    return sum(0 <= place < len(known) and known[place] for place in around)


def logits(model: Model, seen: np.ndarray, first_index: int) -> np.ndarray:
    """(epochs, columns) -> (epochs, labels)."""
    head = model.head
    if isinstance(head, Network):
        (found,) = head.session.run(None, {"columns": seen[None].astype(np.float32)})
        return found[0].astype(float)
    if isinstance(head, Clock):
        bins = [max(first_index + at, 0) // head.epochs_per_bin for at in range(len(seen))]
        return np.array([head.table[min(place, len(head.table) - 1)] for place in bins], float)
    return np.array([linear(head, model.window, seen, at) for at in range(len(seen))])


def linear(head: Linear, window: Window, seen: np.ndarray, at: int) -> np.ndarray:
    if len(head.weights) == seen.shape[1]:
        return seen[at] @ head.weights.astype(float) + head.bias.astype(float)
    nothing = np.full(seen.shape[1], NEUTRAL)
    around = range(at - window.before, at + window.after + 1)
    values = [seen[place] if 0 <= place < len(seen) else nothing for place in around]
    return np.concatenate(values) @ head.weights.astype(float) + head.bias.astype(float)


def softmax(values: np.ndarray, temperature: float) -> np.ndarray:
    if not all(math.isfinite(value) for value in values):
        return np.full(len(values), np.nan)
    powers = [math.exp((value - max(values)) / temperature) for value in values]
    return np.array([power / sum(powers) for power in powers])


def told(model: Model, features: np.ndarray) -> Chain:
    """The decoder with the prior that this night has."""
    features = np.array([row if knows(model, row) else row * np.nan for row in features])
    if model.decoder.prior_apart is None or not apart(model, normalised(model, features)):
        return replace(model.decoder, prior_apart=None)
    return replace(model.decoder, prior=model.decoder.prior_apart, prior_apart=None)


def emission(chain: Chain, probabilities: np.ndarray, known: bool) -> list[float]:
    """Scores in whole grains, as the engine's; nothing is said where nothing is known."""
    if not known:
        return [0.0] * len(probabilities)
    found = [grains(float(value)) for value in probabilities]
    if chain.prior is not None:
        found = [
            value - grains(float(share)) for value, share in zip(found, chain.prior, strict=True)
        ]
    return found


def grains(probability: float) -> float:
    return float(np.rint(np.log(max(probability, 1e-12)) * 2**20))


def viterbi(chain: Chain, probabilities: np.ndarray, known: list[bool]) -> list[int]:
    """Of equal ways the one from the earlier label, and of equal ends the earlier label."""
    if len(probabilities) == 0:
        return []
    labels = range(len(chain.initial))
    said = [emission(chain, row, know) for row, know in zip(probabilities, known, strict=True)]
    best = [grains(float(chain.initial[label])) + said[0][label] for label in labels]
    origins: list[list[int]] = []
    for here in said[1:]:
        ways = [[best[a] + grains(float(chain.transitions[a, b])) for a in labels] for b in labels]
        origins.append([way.index(max(way)) for way in ways])
        best = [max(ways[label]) + here[label] for label in labels]
    path = [best.index(max(best))]
    for origin in reversed(origins):
        path.append(origin[path[-1]])
    return path[::-1]


def forward(chain: Chain, probabilities: np.ndarray, known: list[bool]) -> list[float]:
    """What is believed of the last epoch."""
    labels = range(len(chain.initial))
    belief = [max(float(chain.initial[label]), 1e-12) for label in labels]
    onwards = [[max(float(chain.transitions[a, b]), 1e-12) for b in labels] for a in labels]
    for at, (row, know) in enumerate(zip(probabilities, known, strict=True)):
        if at:
            belief = [sum(belief[a] * onwards[a][b] for a in labels) for b in labels]
        said = emission(chain, row, know)
        belief = [belief[b] * math.exp((said[b] - max(said)) / 2**20) for b in labels]
        belief = [value / sum(belief) for value in belief]
    return belief


def likeliest_path(chain: Chain, probabilities: np.ndarray, known: list[bool]) -> float:
    """The best score of all paths there are, each tried."""
    labels = range(len(chain.initial))
    said = [emission(chain, row, know) for row, know in zip(probabilities, known, strict=True)]
    return max(path_score(chain, said, path) for path in product(labels, repeat=len(probabilities)))


def path_score(chain: Chain, said: list[list[float]], path: tuple[int, ...]) -> float:
    score = grains(float(chain.initial[path[0]])) + said[0][path[0]]
    for at in range(1, len(path)):
        score += grains(float(chain.transitions[path[at - 1], path[at]])) + said[at][path[at]]
    return score


Answer = tuple[list[int], np.ndarray]


def knows(model: Model, row: np.ndarray) -> bool:
    told = [row[model.features.index(name)] for name in model.evidence]
    return any(math.isfinite(value) and value != 0 for value in told)


def seen_by(model: Model, features: np.ndarray, first: int) -> tuple[np.ndarray, list[bool]]:
    """(epochs, labels) probabilities, and which epochs the windows know enough of."""
    features = np.array([row if knows(model, row) else row * np.nan for row in features])
    normal = normalised(model, features)
    found = logits(model, columns(model, normal, first), first)
    shares = np.array([softmax(row, model.temperature) for row in found])
    known = [knows(model, row) for row in features]
    counts = [count_known(model.window, known, at) for at in range(len(features))]
    enough = [
        know and count >= model.window.minimum_known and not np.isnan(row).any()
        for know, count, row in zip(known, counts, shares, strict=True)
    ]
    return shares, enough


def stage_night(model: Model, night: Night) -> Answer:
    """Stages, -1 none, and probabilities, NaN none, of every epoch."""
    if len(night) == 0:
        return [], np.empty((0, len(model.labels)))
    shares, enough = seen_by(model, night.features, night.first_index)
    if model.decoder is None:
        places = [int(row.astype(np.float32).argmax()) for row in shares]
    else:
        places = viterbi(told(model, night.features), shares, enough)
    stages = [
        int(model.codes[place]) if know else -1 for place, know in zip(places, enough, strict=True)
    ]
    return stages, np.where(np.array(enough)[:, None], shares, np.nan)


def stage_one_live(model: Model, night: Night, position: int) -> tuple[int, np.ndarray]:
    """The epochs that lead up to one, staged as if they were a night; the last of them."""
    block = np.full((model.reach, len(model.features)), np.nan, dtype=np.float32)
    for back in range(model.reach):
        if position - back >= 0:
            block[model.reach - 1 - back] = night.features[position - back]
    first = night.first_index + position - model.reach + 1
    shares, enough = seen_by(model, block, first)
    if not enough[-1]:
        return -1, np.full(len(model.labels), np.nan)
    if model.decoder is None:
        return int(model.codes[shares[-1].astype(np.float32).argmax()]), shares[-1]
    since = model.window.before
    belief = forward(told(model, block), shares[since:], enough[since:])
    near = [round(value / max(belief) * 1e9) for value in belief]
    return int(model.codes[near.index(max(near))]), shares[-1]
