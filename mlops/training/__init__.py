"""Models are fitted here: numpy, seeded, deterministic."""
