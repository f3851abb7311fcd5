"""The console in a real browser, on a platform of its own; the usual tests need none of it."""
