"""The image and the compose file: what they say, and their steps run without Docker."""
