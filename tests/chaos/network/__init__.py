"""What becomes of nights when the network between the platform and its servers misbehaves."""
