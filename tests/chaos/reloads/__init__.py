"""Reloads between versions while questions come in: none refused, no answer of two minds."""
