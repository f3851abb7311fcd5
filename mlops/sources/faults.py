"""What is refused of a file: it is named with the reason, and nothing of its folder is used."""


class SourceUnfit(ValueError):
    """A file or folder is not what its format says."""
