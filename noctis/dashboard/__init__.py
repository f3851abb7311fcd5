"""The console's overview: is everything well? Wiring: reads every app's rows, changes none."""
