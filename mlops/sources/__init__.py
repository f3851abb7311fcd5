"""Other people's recordings as nights in the device's features: files in, arrays out; no Django."""

from mlops.sources.faults import SourceUnfit
from mlops.sources.folders import FORMATS, read_folder
from mlops.sources.nights import COLUMNS, SourceNight

__all__ = ["COLUMNS", "FORMATS", "SourceNight", "SourceUnfit", "read_folder"]
