"""The statistics of a night for people: what each is called, its unit, what it means. Pure.

The meanings are how those of docs/glossary.md begin; a test holds them together.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """`is_at_least`: with a gap in the night, there may have been more of it."""

    name: str
    label: str
    unit: str
    meaning: str
    is_at_least: bool = False


TERMS = (
    Term(
        "time_in_bed_min",
        "Time in bed",
        "min",
        "minutes from lights out to lights on, gaps included (TIB)",
    ),
    Term(
        "total_sleep_time_min", "Total sleep time", "min", "minutes asleep (TST)", is_at_least=True
    ),
    Term(
        "sleep_efficiency_pct",
        "Sleep efficiency",
        "%",
        "percent asleep of what was staged",
    ),
    Term(
        "sleep_onset_latency_min",
        "Sleep onset latency",
        "min",
        "from lights out to the first epoch of any sleep (SOL)",
    ),
    Term("rem_latency_min", "REM latency", "min", "from sleep onset to the first epoch of REM"),
    Term(
        "wake_after_sleep_onset_min",
        "Wake after sleep onset",
        "min",
        "minutes awake between onset and the last epoch asleep (WASO)",
        is_at_least=True,
    ),
    Term(
        "terminal_wake_min",
        "Terminal wake",
        "min",
        "minutes awake from the last epoch asleep to lights on",
    ),
    Term(
        "awakenings",
        "Awakenings",
        "",
        "changes from sleep to wake between onset and the last epoch asleep",
        is_at_least=True,
    ),
    Term(
        "awakenings_per_hour", "Awakening index", "per hour", "the awakening index, in hours asleep"
    ),
    Term(
        "stage_shifts",
        "Stage shifts",
        "",
        "changes from one of the four stages to another between onset and the last epoch asleep",
        is_at_least=True,
    ),
    Term(
        "longest_sleep_min",
        "Longest sleep",
        "min",
        "the longest sleep that neither wake nor a gap interrupts",
        is_at_least=True,
    ),
    Term("first_sleep_at", "First sleep", "", "when the first epoch asleep begins"),
    Term(
        "last_sleep_at",
        "Final awakening",
        "",
        "when the last epoch asleep ends: the final awakening",
    ),
    Term("mid_sleep_at", "Mid-sleep", "", "the middle of the two"),
    Term("unknown_min", "Unknown", "min", "minutes without a stage"),
    Term("coverage_pct", "Coverage", "%", "percent of the time in bed that has a stage"),
)
STAGE_TERMS = (
    Term("minutes_by_stage", "Minutes of a stage", "min", "minutes of each stage, `W` included"),
    Term(
        "percent_of_sleep",
        "Percent of sleep",
        "%",
        "percent of the sleep that each stage of sleep has",
    ),
)
