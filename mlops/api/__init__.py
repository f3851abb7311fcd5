"""The HTTP edge of models' quality."""
