"""A model on disk: its manifest, its hashes, how it is read, checked and kept; no Django."""
