"""Lists by keyset: every row once, whatever happens in between, and no odd cursor breaks them."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from noctis import errors
from noctis.pagination import DEFAULT_LIMIT, MAX_LIMIT, Keyset
from tenants.models import Tenant
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db


class Tenants:
    keyset = "created_at"


class LongNights:
    max_limit = 2_880


def page(view: object = Tenants, **query: str) -> tuple[list[str], dict[str, Any]]:
    """The slugs of one page and the body around them."""
    keyset = Keyset()
    request = Request(APIRequestFactory().get("/v1/tenants", query))
    rows = keyset.paginate_queryset(Tenant.objects.all(), request, view)
    return [row.slug for row in rows], keyset.get_paginated_response(len(rows)).data


def following(body: dict[str, Any]) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(body["next"]).query).items()}


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def test_following_next_shows_every_row_once_newest_first() -> None:
    made = [tenant.slug for tenant in TenantFactory.create_batch(7)]

    seen, query = [], {"limit": "3"}
    while query:
        slugs, body = page(**query)
        seen += slugs
        query = following(body) if body["next"] else {}

    assert seen == made[::-1]


def test_rows_of_the_same_instant_are_told_apart_by_their_key() -> None:
    made = [tenant.slug for tenant in TenantFactory.create_batch(4)]
    Tenant.objects.update(created_at="2026-01-01T00:00:00Z")

    first, body = page(limit="2")
    second, _ = page(**following(body))

    assert first + second == made[::-1]


def test_a_row_that_arrives_in_between_shifts_nothing() -> None:
    made = [tenant.slug for tenant in TenantFactory.create_batch(4)]

    _, body = page(limit="2")
    TenantFactory()
    second, _ = page(**following(body))

    assert second == made[1::-1]


def test_the_last_page_has_no_next() -> None:
    TenantFactory.create_batch(2)

    slugs, body = page(limit="2")

    assert (len(slugs), body["next"]) == (2, None)


def test_next_is_a_whole_address_that_keeps_the_other_parameters() -> None:
    TenantFactory.create_batch(2)

    _, body = page(limit="1", status="active")

    assert body["next"].startswith("http://testserver/v1/tenants?")
    assert following(body) | {"cursor": ""} == {"limit": "1", "status": "active", "cursor": ""}


def test_a_page_costs_one_query_and_counts_nothing(django_assert_num_queries: Any) -> None:
    TenantFactory.create_batch(3)
    _, body = page(limit="1")

    captured: CaptureQueriesContext
    with django_assert_num_queries(1) as captured:
        page(**following(body))

    assert "COUNT" not in captured.captured_queries[0]["sql"]
    assert "OFFSET" not in captured.captured_queries[0]["sql"]


def test_without_a_limit_a_hundred_rows_come() -> None:
    TenantFactory.create_batch(DEFAULT_LIMIT + 1)

    slugs, body = page()

    assert len(slugs) == DEFAULT_LIMIT == 100
    assert body["next"]


@pytest.mark.parametrize(
    "limit", ["0", "-1", "501", "1e2", "ten", "", " 1", "٣", "1.0", "000000005000", "9" * 30]
)
def test_a_limit_out_of_range_is_refused(limit: str) -> None:
    with pytest.raises(errors.Invalid) as raised:
        page(limit=limit)

    (problem,) = raised.value.problems
    assert (problem.pointer, problem.code) == ("?limit", "out_of_range")
    assert str(MAX_LIMIT) in problem.detail


def test_a_view_may_allow_longer_pages() -> None:
    TenantFactory()

    assert len(page(LongNights, limit="2880")[0]) == 1


NOW = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "odd",
    [
        "x",
        "====",
        "ä",
        cursor(),
        cursor(NOW),
        cursor(NOW, 1, 1),
        cursor(NOW, None),
        cursor(NOW, "one"),
        cursor(NOW, "1\0"),
        cursor(5, 1),
        cursor("", 1),
        cursor("yesterday", 1),
        cursor("2026-13-01T00:00:00Z", 1),
        cursor("2026-01-01T00:00:00", 1),
        cursor("2026-01-01T00:00:00+16:25", 1),
        cursor({"a": 1}, 1),
        base64.urlsafe_b64encode(b"\xff").decode(),
    ],
)
def test_an_odd_cursor_is_a_bad_request(odd: str) -> None:
    with pytest.raises(errors.BadRequest):
        page(cursor=odd)


@pytest.mark.parametrize(
    "edge",
    [
        cursor(NOW, 10**30),
        cursor(NOW, -(10**30)),
        cursor("0001-01-01T00:00:00+14:00", 1),
        cursor("9999-12-31T23:59:59-14:00", 1),
    ],
)
def test_a_cursor_at_the_edge_of_time_or_keys_is_only_empty_or_full(edge: str) -> None:
    TenantFactory()

    slugs, _ = page(cursor=edge)

    assert len(slugs) in (0, 1)
