"""Reproducible benchmarks: ratios of one run on one machine, never absolute promises."""
