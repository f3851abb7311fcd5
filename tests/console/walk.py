"""Every address of the console, found in its resolver and in its pages, and what it answers."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.contrib import admin
from django.db.models import ForeignKey, Model, OneToOneField, UUIDField
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from devices.models import Device
from tenants.console import ConsolePage, TenantFilter
from tests.console.planted import Planted, marked_fields

ROOT = "/console/"
LINK = re.compile(r'(?:href|action|data-[a-z-]*url|data-href|src)="([^"]*)"')
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# Words of a question that could be taken for what it found: canaries and public ids, no numbers.
NAMING = re.compile(r"^(heron|magpie)|[0-9a-f]{8}-")
LEFT_ALONE = {"/console/logout/"}
# What stands in an address beside an object's id; a new parameter says here what it can be.
FORMS = {"form": ("csv", "json", "edf")}
# Of addresses that differ only in what they were asked, so many are opened.
MOST_ALIKE = 2


@dataclass(frozen=True)
class Answer:
    url: str
    response: HttpResponse

    @property
    def told(self) -> str:
        """All that it says, without what it was asked."""
        body = self.response.getvalue() if self.response.streaming else self.response.content
        headers = "\n".join(f"{name}: {value}" for name, value in self.response.items())
        told = unescape(body.decode(errors="replace")) + headers
        given = [value for _, value in parse_qsl(urlsplit(self.url).query)]
        given += urlsplit(self.url).path.split("/")
        asked = [word for word in given if NAMING.search(word)]
        for word in [self.url, *sorted(asked, key=len, reverse=True)]:
            told = re.sub(rf"{re.escape(word)}(?![\w-])", "", told) if word else told
        return told


def page_of(model: type[Model]) -> ConsolePage:
    page = admin.site._registry[model]
    assert isinstance(page, ConsolePage)
    return page


def patterns() -> Iterator[str]:
    """Every address of the console as the resolver has it, `<object_id>` and all."""
    return _below(get_resolver(), "")


def _below(resolver: URLResolver, before: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _below(pattern, path)
        elif isinstance(pattern, URLPattern) and f"/{path}".startswith(ROOT):
            yield f"/{path}"


def crawl(browser: Client) -> Iterator[Answer]:
    """Open what the pages link to, as somebody who clicks on everything, one filter at a time."""
    waiting, seen, alike = [ROOT], {ROOT}, Counter[Any]()
    while waiting:
        url = waiting.pop(0)
        answer = Answer(url, browser.get(url))
        yield answer
        for found in _links(answer):
            kind = _kind(found)
            if found not in seen and alike[kind] < _most(kind):
                alike[kind] += 1
                seen.add(found)
                waiting.append(found)


def _links(answer: Answer) -> Iterator[str]:
    if "html" not in answer.response.headers.get("Content-Type", ""):
        return
    for link in LINK.findall(answer.response.content.decode()):
        url = urljoin(answer.url, unescape(link)).partition("#")[0]
        is_deeper = "?" in answer.url and "?" in url
        if url.startswith(ROOT) and urlsplit(url).path not in LEFT_ALONE and not is_deeper:
            yield url


def _kind(url: str) -> tuple[str, frozenset[str]]:
    """Pages of one sort: the same but for numbers, ids and values."""
    parts = urlsplit(url)
    path = re.sub(r"/(\d+|[0-9a-f-]{36})(?=/|$)", "/*", parts.path)
    return path, frozenset(name.split("__")[0] for name, _ in parse_qsl(parts.query))


def _most(kind: tuple[str, frozenset[str]]) -> int:
    return 1 if kind[1] else MOST_ALIKE


def outright(model: type[Model], other: Planted) -> Iterator[str]:
    """One page's addresses that name somebody else's row: searched, filtered, opened, acted on."""
    page, row = page_of(model), other.rows[model]
    base = page.address("changelist")
    yield f"{base}?q={other.name}"
    if TenantFilter in page.list_filter:
        yield f"{base}?tenant={other.tenant.slug}"
    for pk in {str(row.pk), *_uuids(row)}:
        yield from (f"{page.address('action', act.name)}?pk={pk}" for act in page.named_actions)
        for pattern in patterns():
            if pattern.startswith(base) and "object_id>" in pattern:
                yield from _filled(pattern, pk)


def _filled(pattern: str, pk: str) -> Iterator[str]:
    """An address of one object, in each of the forms that it comes in."""
    names = [name for name in PARAMETER.findall(pattern) if name != "object_id"]
    for values in product(*(FORMS[name] for name in names)):
        given = {"object_id": pk, **dict(zip(names, values, strict=True))}
        yield PARAMETER.sub("{\\1}", pattern).format(**given)


def roundabout(model: type[Model], other: Planted) -> Iterator[str]:
    """And by every text, id and column that might be asked for."""
    page, row = page_of(model), other.rows[model]
    base = page.address("changelist")
    yield from (f"{base}?q={value}" for value in sorted(set(_words(model, row, other))))
    yield from (f"{base}?{query}" for query in filters(model, other))
    yield f"{base}?_to_field=id&_popup=1"
    yield f"{ROOT}autocomplete/?app_label={model._meta.app_label}&term={other.name}"


def palette(other: Planted) -> Iterator[str]:
    """What is found while somebody types, as a page and for the palette."""
    address = reverse("admin:search")
    yield f"{address}?q={other.name}"
    for value in (other.name, other.tenant.slug, other.rows[Device].uuid):
        yield f"{address}?q={value}&as=json"


def filters(model: type[Model], other: Planted) -> Iterator[str]:
    """What each column and each filter could be asked for, by raw id and by text."""
    for field in model._meta.concrete_fields:
        value = getattr(other.rows[model], field.attname)
        if isinstance(field, ForeignKey | OneToOneField):
            yield f"{field.name}__id__exact={value}"
            yield f"{field.name}={value}"
        elif not field.choices and isinstance(value, str):
            yield f"{field.name}__startswith={value[:9]}"


def _words(model: type[Model], row: Model, other: Planted) -> Iterator[str]:
    yield from _uuids(row)
    yield from (str(getattr(row, field.name)) for field in _texts(model))
    for path in page_of(model).search_fields:
        if "__" in path and hasattr(model, path.split("__")[0]):
            yield str(_reached(row, path.removesuffix("__exact").split("__")))


def _reached(row: Any, path: list[str]) -> Any:
    for name in path:
        row = getattr(row, name)
    return row


def _texts(model: type[Model]) -> Iterator[Any]:
    return (field for field in marked_fields(model) if field.get_internal_type() != "JSONField")


def _uuids(row: Model) -> Iterator[str]:
    for field in row._meta.concrete_fields:
        if isinstance(field, UUIDField) and getattr(row, field.name):
            yield str(getattr(row, field.name))
