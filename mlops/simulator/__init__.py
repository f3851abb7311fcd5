"""Nights that never were: a Markov chain and plausible signals, for demo and load only."""
