"""A window of the browser that keeps what its pages complain of: the policy, scripts, errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Response

from tests.browser.stack import CHROMIUM, Person

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-color-profile=srgb"
)
WIDE, NARROW = (1440, 900), (390, 844)
# A refused page is answered so; the browser logs each as an error of its own.
EXPECTED = "the server responded with a status of 403"


def launched(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())


class Window:
    def __init__(
        self,
        browser: Browser,
        address: str,
        *,
        size: tuple[int, int] = WIDE,
        scheme: str = "light",
        state: Any = None,
    ) -> None:
        context = browser.new_context(
            base_url=address,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            storage_state=state,
            locale="en-GB",
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        self._heard: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self._heard.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._note_answer)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and EXPECTED not in message.text:
            self._heard.append(f"{self.page.url}: {message.text}")

    def _note_answer(self, answer: Response) -> None:
        if answer.status >= 500 or ("/static/" in answer.url and answer.status >= 400):
            self._heard.append(f"{answer.url}: {answer.status}")

    def complaints(self) -> list[str]:
        """The browser logs what the policy blocked as an error."""
        return list(self._heard)

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """While somebody else's script runs in the page: what it breaks is not the page's doing."""
        before = list(self._heard)
        yield
        self._heard = before


def sign_in(page: Page, person: Person) -> None:
    page.goto("/console/")
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    page.get_by_label("One-time code").fill(person.code)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/")
