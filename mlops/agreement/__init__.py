"""How well stages agree with the truth: confusion, kappa, F1, calibration, bias; no Django.

Everything is a sum over nights, so a year is judged in the memory of one night.
"""

from mlops.agreement.moments import Moments
from mlops.agreement.report import Limits, Report, StageScores, limits_of, report_of
from mlops.agreement.scores import intervals
from mlops.agreement.tally import CALIBRATION_BINS, Compared, Tally

__all__ = [
    "CALIBRATION_BINS",
    "Compared",
    "Limits",
    "Moments",
    "Report",
    "StageScores",
    "Tally",
    "intervals",
    "limits_of",
    "report_of",
]
