"""How well stages agree with the truth: confusion, kappa, F1, calibration."""
