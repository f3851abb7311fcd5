"""From epochs to a hypnogram: the engine, the registry of models, what serves, what was said."""
