"""Whether a model is any good, and which one serves: evaluation, simulation, training."""
