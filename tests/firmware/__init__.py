"""The device against the platform: the simulator with a running stack, and its tools."""
