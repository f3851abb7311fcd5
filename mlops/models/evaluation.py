"""A version as those see it who ask how good it is; it has no rows of its own."""

from inference.models import ModelVersion


class Evaluation(ModelVersion):
    """The version, under the address of its evaluation."""

    class Meta:
        proxy = True
        ordering = ["-id"]
