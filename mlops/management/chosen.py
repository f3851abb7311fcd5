"""For every command that stages nights anew: the options that choose them, and what is shown."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from mlops.services.comparisons import Nights
from noctis.commands import Row
from tenants.lookups import tenant_called


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", type=_day, metavar="DATE", help="the first day")
    parser.add_argument("--to", dest="end", type=_day, metavar="DATE", help="the last day")
    parser.add_argument("--device", type=_id, metavar="ID", help="of one device alone")


def nights_of(options: Mapping[str, Any]) -> Nights:
    """Nights that began on the days named, in UTC, both of them counted."""
    tenant = tenant_called(options["tenant"]) if options["tenant"] else None
    end = options["end"]
    return Nights(
        tenant, options["start"], end + timedelta(days=1) if end else None, options["device"]
    )


def parts_of(report: Mapping[str, Any], versions: Mapping[str, str]) -> Iterator[Row | list[Row]]:
    """A comparison as tables: agreement, minutes by stage, the nights that differ most."""
    told = {**versions, "stored": "stored", "truth": "truth"}
    yield [_agreement(name, pair) for name, pair in report["pairs"].items() if pair["nights"]]
    yield [_line(told[name], line) for name, line in report["lines"].items()]
    yield [
        {
            "most different": one["night"],
            "agreement": f"{one['agreement']:.2f}",
            "differs for": f"{one['differing_minutes']:.1f} min",
        }
        for one in report["most_different"]
    ]


def better_of(report: Mapping[str, Any]) -> str:
    """Which of two versions is better, and by what."""
    found = report["difference"]
    figures = (
        f"kappa of a less kappa of b: {two(found['kappa']) or '-'} "
        f"({between(found['interval']) or 'no interval'}, by {found['units']} labelled nights)"
    )
    fitted = report.get("fitted")
    left = f"\n{fitted} labelled nights do not count: one was fitted to them." if fitted else ""
    return f"{found['says']}\n{figures}{left}"


def _agreement(name: str, pair: Mapping[str, Any]) -> Row:
    return {
        "": name,
        "nights": pair["nights"],
        "kappa": two(pair["kappa"]),
        "95 %": between(pair["kappa_interval"]),
        "macro-F1": two(pair["macro_f1"]),
        **{f"F1 {stage}": two(value) for stage, value in pair["by_stage"]["f1"].items()},
        "calibration error": two(pair["expected_calibration_error"]),
    }


def _line(name: str, line: Mapping[str, Any]) -> Row:
    latency = line["latency_ms"]
    minutes = {f"{stage} min": f"{value:.0f}" for stage, value in line["minutes"].items()}
    return {
        "": name,
        **minutes,
        "no stage": f"{line['unstaged_minutes']:.0f}",
        "ms a night": f"{latency['p50']:.1f}" if latency else None,
    }


def two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def between(interval: Sequence[float | None]) -> str | None:
    low, high = interval
    return None if low is None or high is None else f"{low:.2f} to {high:.2f}"


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise ArgumentTypeError("expected a date such as 2026-05-31") from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError("expected an id, a UUID") from None
