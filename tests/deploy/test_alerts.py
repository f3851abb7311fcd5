"""Alert rules, dashboard, runbooks: each expression is PromQL, and of metrics that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.test import Client
from prometheus_client import REGISTRY

from noctis import errors, problems
from tests.routes import routes
from tests.source_tree import REPOSITORY

RULES = yaml.safe_load((REPOSITORY / "deploy/prometheus/alerts.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((REPOSITORY / "deploy/grafana/noctis.json").read_text())
RUNBOOKS = REPOSITORY / "docs/operations.md"
# What a histogram, a counter and a gauge show beside their own name.
SUFFIXES = ("", "_total", "_bucket", "_count", "_sum")
WANTED = {
    "Authentication failures spike",
    "Ingest failures",
    "Drift alert",
    "Backup validation failure",
    "Circuit open",
    "Storage full",
    "Model unavailable",
    "Clock skew of a device",
}


def expressions() -> Iterator[tuple[str, str]]:
    for rule in ALERTS:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def labels_of_metrics() -> dict[str, set[str]]:
    """Every name that `/metrics` can show, with its labels; also of what was not set yet."""
    Client().get("/healthz")  # the middlewares make theirs when they are first loaded
    found: dict[str, set[str]] = {}
    for names in REGISTRY._collector_to_names.items():
        collector, known = names
        labels = set(getattr(collector, "_labelnames", ()))
        for name in known:
            found[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    return found


KNOWN = labels_of_metrics()
ALL = list(expressions())


def selectors(node: Any) -> Iterator[Any]:
    """Each metric that an expression reads; through the tree that the parser gives."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        child = getattr(node, name, None)
        if child is not None:
            yield from selectors(child)
    if isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from selectors(argument)


def faults(expression: str) -> list[str]:
    found = list(selectors(promql_parser.parse(expression)))
    wrong = [] if found else ["reads nothing"]
    for selector in found:
        labels = KNOWN.get(selector.name)
        if labels is None:
            wrong.append(f"there is no {selector.name}")
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                wrong.append(f"{selector.name} has no label {matcher.name}")
            elif matcher.name == "code":
                wrong += _unknown_codes(matcher.value)
    return wrong


def _unknown_codes(value: str) -> list[str]:
    routes()  # what refuses outside the apps is loaded with the addresses
    problems.registry()
    return [f"there is no code {code}" for code in value.split("|") if code not in errors.CODES]


@pytest.mark.parametrize(("name", "expression"), ALL, ids=[name for name, _ in ALL])
def test_an_expression_is_promql_of_metrics_labels_and_codes_that_there_are(
    name: str, expression: str
) -> None:
    assert faults(expression) == []


@pytest.mark.parametrize(
    "expression",
    [
        "sum(rate(error_totals[5m]))",
        'sum(rate(error_total{kode="x"}[5m])) > 1',
        'sum(rate(error_total{code="no_such_code"}[5m]))',
        "1 + 1",
    ],
)
def test_an_expression_of_what_there_is_not_is_seen(expression: str) -> None:
    assert faults(expression)


def test_what_is_no_promql_is_seen() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        faults("sum by (code rate(error_total[5m]")


def test_every_label_that_a_sum_keeps_is_a_label_of_its_metric() -> None:
    """Grouping by a label that is not there gives one nameless line instead of several."""
    for name, expression in ALL:
        kept = {
            label.strip()
            for group in re.findall(r"by \(([^)]*)\)", expression)
            for label in group.split(",")
        }
        read = [KNOWN[found.name] for found in selectors(promql_parser.parse(expression))]
        assert kept <= set.union(*read), name


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_leads_to_its_runbook(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert REPOSITORY / page == RUNBOOKS
    assert anchor in anchors(RUNBOOKS)


def test_each_runbook_says_what_is_seen_what_to_check_and_what_to_do() -> None:
    parts = re.split(r"^## ", RUNBOOKS.read_text(), flags=re.MULTILINE)[1:]
    runbooks = {part.partition("\n")[0]: part for part in parts}

    assert set(runbooks) >= WANTED
    for title, text in runbooks.items():
        for part in ("**You see**", "**Check**", "**Do**"):
            assert part in text, f"{title} lacks {part}"
