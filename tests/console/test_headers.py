"""Each page of the console keeps to the strict policy: its source says so without a browser."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from noctis.middleware import CONTENT_SECURITY_POLICY
from tests.console.planted import Planted
from tests.console.walk import ROOT, Answer, crawl
from tests.factories import PlatformFactory
from tests.tenants.households import as_

pytestmark = pytest.mark.django_db
DEMANDED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# What the policy would block, or what would need a looser one.
INLINE = {
    "a script": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "a handler": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.I),
    "an address of a script": re.compile(r"=[\"']\s*javascript:", re.I),
    "something from elsewhere": re.compile(
        r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//"
    ),
}
DATA = re.compile(r'<script[^>]*type="application/json"[^>]*>.*?</script>', re.S)


def offences(answer: Answer) -> list[str]:
    response = answer.response
    found = [
        f"{answer.url}: {name} is {response.headers.get(name)}"
        for name, wanted in DEMANDED.items()
        if response.headers.get(name) != wanted
    ]
    if "no-store" not in response.headers.get("Cache-Control", ""):
        found.append(f"{answer.url}: may be stored")
    return found + inline(answer.url, response)


def inline(url: str, response: HttpResponse) -> list[str]:
    if "html" not in response.headers.get("Content-Type", "text/html"):
        return []
    page = DATA.sub("", response.content.decode())
    found = ((what, pattern.search(page)) for what, pattern in INLINE.items())
    return [f"{url}: {what}, {match.group()[:80]}" for what, match in found if match]


def test_every_page_keeps_to_the_policy(heron: Planted) -> None:
    answers = list(crawl(as_("platform_admin", PlatformFactory())))

    assert len(answers) > 50
    assert [offence for answer in answers for offence in offences(answer)] == []


@pytest.mark.parametrize(
    "url", [ROOT, "/console/login/", "/console/tenants/nothing/", "/console/recordings/erasure/"]
)
@pytest.mark.parametrize("role", [None, "tenant_viewer"])
def test_so_does_what_a_stranger_or_somebody_refused_is_shown(
    role: str | None, url: str, heron: Planted
) -> None:
    browser = as_(role, heron.tenant) if role else Client(raise_request_exception=False)

    assert offences(Answer(url, browser.get(url, follow=True))) == []


@pytest.mark.parametrize(
    "page",
    [
        "<script>go()</script>",
        "<style>p {}</style>",
        '<p style="color: red">',
        '<a onclick="go()">',
        '<a href="javascript:go()">',
        '<img src="//elsewhere.example/x.png">',
    ],
)
def test_what_the_policy_blocks_is_found(page: str) -> None:
    assert len(inline("/", HttpResponse(page))) == 1
