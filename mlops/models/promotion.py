"""A version as those see it who decide whether it serves; it has no rows of its own."""

from inference.models import ModelVersion


class Promotion(ModelVersion):
    """The version, under the address of its promotion."""

    class Meta:
        proxy = True
        ordering = ["-id"]
