"""`make screenshots`: the pictures of docs/screenshots, from a demo of its own. Look at each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.windows import NARROW, WIDE

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
NIGHTS = "/console/recordings/recording/"
# Name, address or the list whose first row is opened, window, scheme, whether the whole page.
SHOTS = (
    ("overview", "/console/?range=7d", WIDE, "light", True),
    ("overview-dark", "/console/?range=7d", WIDE, "dark", False),
    ("overview-narrow", "/console/", NARROW, "light", False),
    ("nights", NIGHTS, WIDE, "light", False),
    ("night", f"{NIGHTS}?status=staged", WIDE, "light", True),
    ("night-dark", f"{NIGHTS}?status=staged", WIDE, "dark", False),
    ("night-narrow", f"{NIGHTS}?status=staged", NARROW, "light", False),
    ("device", "/console/devices/device/?q=Room 2", WIDE, "light", True),
    ("client", "/console/tenants/serviceclient/?q=research", WIDE, "light", True),
    ("model", "/console/inference/modelversion/?q=linear-1", WIDE, "light", True),
    ("promotion", "/console/mlops/promotion/?q=null-clock", WIDE, "light", False),
    ("replay-dark", "/console/mlops/replay/", WIDE, "dark", False),
    ("schedules", "/console/django_celery_beat/periodictask/", WIDE, "light", False),
    ("audit", "/console/tenants/auditentry/", WIDE, "dark", False),
)
OPENED = {"night", "night-dark", "night-narrow", "device", "client", "model"}
OPENED |= {"promotion", "replay-dark"}


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot[0])
def test_a_page_is_taken_as_it_looks(
    window: Callable[..., Page], admin_state: object, shot: tuple
) -> None:
    name, address, size, scheme, is_whole = shot
    page = window(state=admin_state, size=size, scheme=scheme)
    page.goto(address)
    if name in OPENED:
        page.locator("#result_list tbody th a").first.click()
        page.wait_for_load_state()

    FOLDER.mkdir(exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=is_whole)


def test_the_report_is_taken_as_it_looks(window: Callable[..., Page], admin_state: object) -> None:
    page = window(state=admin_state, size=(1000, 1400))
    page.goto(f"{NIGHTS}?status=staged")
    page.locator("#result_list tbody th a").first.click()
    page.goto(page.url.partition("?")[0].replace("/change/", "/report/"))

    page.emulate_media(media="print")
    page.screenshot(path=FOLDER / "report.png", full_page=True)
