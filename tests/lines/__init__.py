"""Which lines of the platform ran in a test run, in all its processes, at little cost."""
