"""How well a model stages people it has never seen, beside what knows nothing; no Django."""

from mlops.evaluation.answers import Answer, answers_of, majority_answers
from mlops.evaluation.crossval import FOLDS, Trainer, leave_subjects_out
from mlops.evaluation.verdict import Verdict, verdict_of

__all__ = [
    "FOLDS",
    "Answer",
    "Trainer",
    "Verdict",
    "answers_of",
    "leave_subjects_out",
    "majority_answers",
    "verdict_of",
]
