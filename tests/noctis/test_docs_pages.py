"""The pages that explain the API, the files they need, and the one shape of every refusal."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from noctis import errors, manual, problems, static
from noctis.middleware import CONTENT_SECURITY_POLICY
from tests.factories import signatory
from tests.noctis import broken

PAGES = ["/", "/v1/docs", "/v1/problems", "/v1/problems/validation_error", "/v1/problems/db_error"]
CODES = [row.code for row in problems.registry()]


class Page(HTMLParser):
    """What a content security policy looks at: attributes, scripts, styles, addresses."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.assets: list[str] = []
        self.links: list[str] = []
        self.feed(answer.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        if tag in ("link", "script", "img"):
            self.assets.append(str(given.get("src") or given.get("href")))
        if tag == "a":
            self.links.append(str(given["href"]))


def get(path: str, accept: str = "text/html,*/*;q=0.8", **headers: str) -> Any:
    client = Client(raise_request_exception=False)
    answer: Any = client.get(path, headers={"Accept": accept} | headers)
    answer.body = answer.getvalue() if answer.streaming else answer.content
    return answer


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_nothing_inline_and_loads_only_what_is_served_here(path: str) -> None:
    answer = get(path)

    page = Page(answer)
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert page.inline == []
    assert page.assets
    assert {get(asset).status_code for asset in page.assets} == {200}


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


def test_the_reference_loads_the_document_from_a_script_of_its_own() -> None:
    script = next(asset for asset in Page(get("/v1/docs")).assets if "script" in asset)

    answer = get(script)

    assert answer["Content-Type"].startswith("application/javascript")
    assert b"v1/openapi.json" in answer.content.replace(b"\\u002D", b"-")


def test_every_page_but_the_console_opens_from_the_first_one() -> None:
    links = {link for link in Page(get("/")).links if not link.startswith("/console")}

    assert {"/v1/docs", "/v1/problems", "/v1/openapi.json", "/readyz"} <= links
    assert {get(link).status_code for link in links - {"/readyz"}} == {200}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page_with_what_to_do_and_an_example(code: str) -> None:
    row = errors.CODES[code]

    page = get(f"/v1/problems/{code}")

    assert page.status_code == 200
    assert row.title in page.content.decode().replace("&#x27;", "'")
    assert f"&quot;code&quot;: &quot;{code}&quot;" in page.content.decode()
    assert f"HTTP/1.1 {row.status}" in page.content.decode()


def test_the_list_of_problems_links_every_code() -> None:
    links = Page(get("/v1/problems")).links

    assert [link for link in links if "problems/" in link] == [f"/v1/problems/{c}" for c in CODES]


def test_a_program_gets_a_code_as_json_and_a_browser_as_a_page() -> None:
    program = get("/v1/problems/rate_limited", accept="application/json")
    browser = get("/v1/problems/rate_limited")

    assert program.json()["retryable"] is True
    assert program.json()["example"]["status"] == 429
    assert browser["Content-Type"] == "text/html; charset=utf-8"
    assert {program["Vary"], browser["Vary"]} == {"Accept"}


def test_a_program_gets_all_codes_as_json() -> None:
    listed = get("/v1/problems", accept="application/json").json()

    assert [item["code"] for item in listed["items"]] == CODES
    assert listed["next"] is None


def test_the_type_of_a_problem_leads_to_its_page() -> None:
    problem = get("/v1/nowhere").json()

    assert get(problem["type"]).status_code == 200


def test_an_unknown_code_has_no_page() -> None:
    assert_problem(get("/v1/problems/nonsense"), "not_found")


def test_the_tables_of_the_manual_are_those_that_are_generated() -> None:
    page = (settings.BASE_DIR / "docs" / "api.md").read_text()

    assert manual.with_tables(page) == page, "run `make openapi` and commit"


def test_a_manual_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers"):
        manual.with_tables("# Calling Noctis\n")


def assert_problem(answer: Any, code: str) -> None:
    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.status_code == body["status"] == errors.CODES[code].status
    assert body["code"] == code
    assert body["request_id"] == answer["X-Request-Id"] == answer["X-Correlation-Id"]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1/nowhere", "/v1/whoami/", "/v1/docs/", "/static/none.css", "/v2/"]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_an_unknown_path_is_a_problem_whatever_is_accepted(path: str, accept: str) -> None:
    assert_problem(get(path, accept), "not_found")


@pytest.mark.parametrize("path", [*PAGES, "/v1/openapi.json", "/static/noctis/pages.css"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_page_is_only_read(path: str, method: str) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method, path)

    assert_problem(answer, "method_not_allowed")
    assert set(re.findall(r"\w+", answer["Allow"])) == {"GET", "HEAD"}


@pytest.mark.django_db
def test_a_wrong_method_at_the_api_is_a_problem_that_lists_the_right_ones() -> None:
    token = signatory().token()

    answer = Client().delete("/v1/whoami", headers={"Authorization": f"Bearer {token}"})

    assert_problem(answer, "method_not_allowed")
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize("path", ["/v1/plain", "/v1/broken"])
@pytest.mark.urls("tests.noctis.broken")
def test_a_bug_is_a_problem_that_tells_only_the_request_id(path: str) -> None:
    answer = get(path, "application/json", **{"X-Request-Id": "bug-1"})

    assert_problem(answer, "internal_error")
    assert answer["X-Request-Id"] == "bug-1"
    assert broken.SECRET not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/v1/whoami", "/static/noctis/pages.css"])
@pytest.mark.parametrize("header", ["X-Request-Id", "X-Correlation-Id"])
def test_the_caller_s_request_id_is_on_every_answer(path: str, header: str) -> None:
    answer = get(path, **{header: "night-7.retry_2"})

    assert answer["X-Request-Id"] == answer["X-Correlation-Id"] == "night-7.retry_2"


@pytest.mark.parametrize("offered", ["", "a b", "ü", "x" * 65, "a\nb", "<script>", "a;b"])
def test_a_malformed_request_id_is_replaced(offered: str) -> None:
    answer = get("/nowhere", **{"X-Request-Id": offered})

    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-Id"])
    assert_problem(answer, "not_found")


def test_a_versioned_file_is_kept_for_good() -> None:
    stylesheet = next(a for a in Page(get("/")).assets if "pages.css" in a)

    answer = get(stylesheet)

    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["Content-Type"] == "text/css"
    assert answer.body == (settings.BASE_DIR / "static/noctis/pages.css").read_bytes()


@pytest.mark.parametrize("query", ["", "?v=", "?v=000000000000"])
def test_a_file_without_its_version_is_asked_for_again(query: str) -> None:
    first = get(f"/static/noctis/pages.css{query}")

    again = get(f"/static/noctis/pages.css{query}", **{"If-None-Match": first["ETag"]})
    later = get(f"/static/noctis/pages.css{query}", **{"If-Modified-Since": first["Last-Modified"]})

    assert first["Cache-Control"] == "public, no-cache"
    assert (again.status_code, later.status_code) == (304, 304)


@pytest.mark.parametrize(
    "path",
    [
        "../manage.py",
        "noctis/../../manage.py",
        "%2e%2e/manage.py",
        "..%2fmanage.py",
        "noctis/..%5c..%5cmanage.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "noctis/pages.css%00.txt",
        "noctis",
        "noctis/",
        "noctis/pages.css/",
        "%ff",
    ],
)
def test_nothing_but_a_listed_file_is_served(path: str) -> None:
    assert_problem(get(f"/static/{path}"), "not_found")


def test_static_files_are_those_of_the_project_and_of_the_packages() -> None:
    names = static.files()

    assert {"noctis/pages.css", "admin/css/base.css"} <= names.keys()
    assert all(path.is_file() for path in names.values())
