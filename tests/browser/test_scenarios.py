"""What an operator does all day, clicked and typed in a real browser."""

import json
import re
import subprocess
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests import tokens
from tests.browser import windows
from tests.browser.stack import Stack, wait_until_staged

Opens = Callable[..., Page]
expect.set_options(timeout=30_000)
REASON = "shown in a browser"


def test_signing_in_takes_password_and_one_time_code(
    window: Opens, stack: Stack, admin_state: object
) -> None:
    guest, page = window(), window(state=admin_state)

    guest.goto("/console/")
    guest.get_by_label("Username").fill(stack.admin.username)
    guest.get_by_label("Password").fill(stack.admin.password)
    guest.get_by_role("button", name="Sign in").click()
    page.goto("/console/")

    expect(guest.get_by_role("alert")).to_contain_text("do not fit together")
    expect(page.locator("#user-tools")).to_contain_text(stack.admin.username)


def test_a_rotated_key_signs_a_token_that_curl_uses(
    window: Opens, stack: Stack, admin_state: object
) -> None:
    page = window(state=admin_state)
    page.goto("/console/tenants/serviceclient/?q=research")
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("link", name="Rotate key").click()
    page.get_by_label("Reason").fill(REASON)

    page.get_by_role("button", name="Rotate key").click()

    known = dict(
        line.split("=", 1) for line in page.locator("pre").first.inner_text().strip().splitlines()
    )
    told = curl(f"{stack.address}/v1/whoami", token_of(known))
    assert told["name"] == "research"
    page.goto("/console/tenants/serviceclientkey/")
    assert known["NOCTIS_SECRET"] not in page.content()


def token_of(known: dict[str, str]) -> str:
    now = int(time.time())
    header = {"alg": "HS256", "typ": "JWT", "kid": known["NOCTIS_KID"]}
    claims = {
        "sub": known["NOCTIS_CLIENT"],
        "tenant_id": known["NOCTIS_TENANT"],
        "iat": now,
        "exp": now + 60,
        "iss": "noctis",
        "aud": "noctis-services",
    }
    message = f"{tokens.segment(header)}.{tokens.segment(claims)}"
    signature = tokens.hs("HS256", known["NOCTIS_SECRET"], message.encode())
    return f"{message}.{tokens.b64(signature)}"


def curl(url: str, token: str) -> dict[str, str]:
    words = ["curl", "--silent", "--fail-with-body", url, "-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    told: dict[str, str] = json.loads(done.stdout)
    return told


def test_a_night_is_opened_and_staged_again(
    window: Opens, stack: Stack, admin_state: object
) -> None:
    page = window(state=admin_state)
    page.goto("/console/recordings/recording/?status=staged")
    page.locator("#result_list tbody th a").first.click()
    expect(page.locator("svg[role=img], svg title").first).to_be_attached()
    night = page.url
    page.get_by_role("link", name="Stage again").first.click()
    page.get_by_label("Reason").fill(REASON)

    page.get_by_role("button", name="Stage again").click()

    expect(page.locator(".messagelist")).to_contain_text("is due to be staged")
    expect(page.locator(".messagelist")).to_contain_text("Audit entry")
    assert page.url.partition("?")[0] == night.partition("?")[0]
    wait_until_staged(stack.stranger)


def test_a_suspended_tenant_is_refused_and_can_be_resumed(
    window: Opens, stack: Stack, admin_state: object
) -> None:
    page = window(state=admin_state)

    for verb, status in (("Suspend", 403), ("Resume", 200)):
        page.goto("/console/tenants/tenant/?q=harbour")
        page.locator("#result_list tbody th a").first.click()
        page.get_by_role("link", name=re.compile(f"^{verb}")).click()
        page.get_by_label("Reason").fill(REASON)
        page.get_by_role("button", name=verb).click()
        expect(page.locator(".messagelist")).to_contain_text("Audit entry")
        answered_within(stack, status, seconds=10)


def answered_within(stack: Stack, status: int, *, seconds: float) -> None:
    """Every process hears of it within five seconds."""
    deadline = time.monotonic() + seconds
    while (found := stack.stranger.call("GET", "/v1/whoami").status) != status:
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.2)


def test_a_viewer_is_refused_what_she_may_not(window: Opens, stack: Stack) -> None:
    page = window()
    windows.sign_in(page, stack.viewer)

    page.goto("/console/recordings/recording/?status=staged")
    page.locator("#result_list tbody th a").first.click()
    offered = page.get_by_role("link", name="Stage again").count()
    pk = re.search(r"/recording/([^/]+)/change", page.url)
    assert pk is not None
    refused = page.goto(f"/console/recordings/recording/action/stage-again/?pk={pk.group(1)}")
    keys = page.goto("/console/tenants/serviceclientkey/")

    assert refused is not None
    assert keys is not None
    assert (offered, refused.status, keys.status) == (0, 403, 403)
    expect(page.locator("main")).to_contain_text("request", ignore_case=True)


def test_the_palette_goes_where_the_keyboard_says(window: Opens, admin_state: object) -> None:
    page = window(state=admin_state)
    page.goto("/console/")

    page.keyboard.press("Control+k")
    expect(page.locator("#palette-asked")).to_be_focused()
    page.keyboard.type("Audit log")
    expect(page.locator("#palette-found li").first).to_contain_text("Audit log")
    page.keyboard.press("Enter")

    page.wait_for_url("**/console/tenants/auditentry/**")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_stress_run_is_started_followed_refused_a_second_time_and_cancelled(
    window: Opens, stack: Stack, admin_state: object
) -> None:
    page = window(state=admin_state)
    page.goto("/console/operations/stressrun/")
    page.get_by_role("link", name="Start a stress run").click()
    page.get_by_label("Iterations").fill("2000")
    page.get_by_label("Questions in an iteration").fill("10")
    page.get_by_label("Reason").fill(REASON)

    page.get_by_role("button", name="Start a stress run").click()

    expect(page.locator(".messagelist")).to_contain_text("Audit entry")
    expect(page.locator("#live")).to_contain_text("running")
    run = page.url
    page.goto("/console/operations/stressrun/action/start/")
    expect(page.get_by_role("alert")).to_contain_text("A stress run is under way")
    page.goto(run)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Cancel").click()
    # Nobody reloads: the page follows its run.
    expect(page.locator("#live")).to_contain_text("cancelled")
