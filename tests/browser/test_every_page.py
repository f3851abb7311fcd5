"""Each page in light and dark, wide and narrow: nothing blocked, no error, no serious hindrance."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import axe
from tests.browser.stack import Stack
from tests.browser.windows import NARROW, WIDE, Window

Opens = Callable[..., Page]
ROOT = "/console/"
# In address order; a page is one of its sort, the same but for whose it is.
LINKS = "[...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))"
DOWNLOADS = re.compile(r"\.(csv|edf|json|txt)$")
SIZES = {"wide": WIDE, "narrow": NARROW}
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def script() -> str:
    try:
        return axe.source()
    except axe.CannotFetch as error:
        pytest.skip(f"no axe-core to be had here: {error}")


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """Found by the first test, in the others' use."""
    return []


def sort_of(url: str) -> str:
    return re.sub(r"/(\d+|[0-9a-f-]{36}|[\w.-]+(?=/change/))(?=/|$)", "/*", urlsplit(url).path)


def links(page: Page) -> Iterator[str]:
    for link in page.evaluate(LINKS):
        url = urljoin(page.url, link).partition("#")[0]
        path = urlsplit(url).path
        is_page = path.startswith(ROOT) and not DOWNLOADS.search(path)
        if is_page and "logout" not in path and ("?" not in url or "/action/" in path):
            yield url.removeprefix(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}")


def test_the_pages_are_found_by_clicking(
    window: Opens, admin_state: object, pages: list[str]
) -> None:
    page, seen = window(state=admin_state), Counter[str]()
    waiting = [ROOT]

    while waiting:
        url = waiting.pop(0)
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200, url
        pages.append(url)
        for found in links(page):
            if not seen[sort_of(found)]:
                seen[sort_of(found)] += 1
                waiting.append(found)
    pages.append("/console/login/")

    assert len(pages) > 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_keeps_to_the_policy_and_hinders_nobody(
    browser: Browser,
    stack: Stack,
    admin_state: object,
    pages: list[str],
    script: str,
    size: str,
    scheme: str,
) -> None:
    seen = Window(browser, stack.address, state=admin_state, size=SIZES[size], scheme=scheme)
    page, hindrances, wide = seen.page, list[str](), list[str]()

    for url in pages:
        page.goto(url)
        with seen.unheard():
            hindrances += axe.serious(page, script)
        if page.evaluate(WIDER_THAN_WINDOW) > 1:
            wide.append(url)

    page.context.close()
    assert pages
    assert seen.complaints() == []
    assert not hindrances, "\n".join(hindrances)
    assert wide == []


def test_what_the_policy_forbids_is_heard(
    browser: Browser, stack: Stack, admin_state: object
) -> None:
    """The control: a page that breaks the rule is noticed by the same window."""

    broken = Window(browser, stack.address, state=admin_state)
    broken.page.goto(ROOT)
    broken.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))"
    )

    assert any("script-src" in complaint for complaint in broken.complaints())
    broken.page.context.close()
