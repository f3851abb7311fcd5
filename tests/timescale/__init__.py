"""A real TimescaleDB, Apache edition, for a test run: fetched, started and thrown away."""
