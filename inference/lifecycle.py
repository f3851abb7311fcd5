"""The states of a model version and the edges between them."""
