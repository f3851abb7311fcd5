"""One platform and one browser for all; each test has a window of its own and hears its errors."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.browser.stack import Stack, running_stack

collect_ignore_glob: list[str] = []
if "NOCTIS_BROWSER" in os.environ:
    from playwright.sync_api import Browser, Page, sync_playwright

    from tests.browser import windows
    from tests.browser.windows import Window
else:
    collect_ignore_glob += ["test_*.py"]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack() as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    with sync_playwright() as playwright:
        found = windows.launched(playwright)
        yield found
        found.close()


@pytest.fixture(scope="session")
def admin_state(browser: "Browser", stack: Stack) -> dict[str, object]:
    """Signed in once, with a one-time code: each code is taken once."""
    window = Window(browser, stack.address)
    windows.sign_in(window.page, stack.admin)
    state: dict[str, object] = window.page.context.storage_state()
    window.page.context.close()
    return state


@pytest.fixture
def window(browser: "Browser", stack: Stack) -> Iterator[Callable[..., "Page"]]:
    """Opens windows; what they complained of fails the test at its end."""
    opened: list[Window] = []

    def opens(**options: object) -> "Page":
        opened.append(Window(browser, stack.address, **options))
        return opened[-1].page

    yield opens
    if folder := os.environ.get("SHOTS"):
        for number, one in enumerate(opened):
            one.page.screenshot(path=f"{folder}/last-{number}.png")
    complaints = [complaint for one in opened for complaint in one.complaints()]
    for one in opened:
        one.page.context.close()
    assert complaints == []
