"""`manage.py` as a person uses it: verbs, tables, JSON, one line for each failure, exit codes."""

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from noctis import keyring
from noctis.db.maintenance import maintenance
from noctis.embedded.home import user_name
from tenants.models import AuditEntry, Operator, ServiceClient, Tenant
from tenants.services import audit
from tests import tokens
from tests.factories import KeyFactory, PlatformFactory, TenantFactory

pytestmark = pytest.mark.django_db
Ask = Callable[..., object]


def printed(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def answer(*words: str) -> object:
    return json.loads(printed(*words, "--json"))


def failure(*words: str) -> str:
    with pytest.raises(CommandError) as failed:
        printed(*words)
    said = str(failed.value)
    assert "\n" not in said
    return said


@pytest.fixture(autouse=True)
def quay() -> Tenant:
    return TenantFactory(slug="quay", name="Quay Clinic")


# Tenants.


def test_a_tenant_is_opened_suspended_and_resumed(quay: Tenant) -> None:
    opened = answer("tenant", "create", "reef", "--name", "Reef", "--timezone", "Europe/Oslo")
    suspended = answer("tenant", "suspend", "reef", "--reason", "unpaid")
    resumed = answer("tenant", "resume", "reef", "--reason", "paid")

    row = Tenant.objects.get(slug="reef")
    assert opened == {
        "slug": "reef",
        "id": str(row.uuid),
        "name": "Reef",
        "kind": "customer",
        "status": "active",
        "timezone": "Europe/Oslo",
    }
    assert (suspended["status"], resumed["status"]) == ("suspended", "active")
    entry = AuditEntry.objects.get(action="tenant.suspend")
    assert (entry.reason, entry.channel) == ("unpaid", "command")
    assert entry.actor.startswith("shell ")


def test_the_environment_names_no_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "somebody else")

    answer("tenant", "create", "reef")

    assert AuditEntry.objects.get().actor == f"shell {user_name(os.geteuid())}"


def test_tenants_are_listed_as_an_aligned_table(quay: Tenant) -> None:
    PlatformFactory(slug="noctis", name="Noctis")

    head, first, second = printed("tenant", "list").splitlines()

    assert head.split() == ["slug", "id", "name", "kind", "status", "timezone"]
    assert first.split() == ["noctis", *first.split()[1:2], "Noctis", "platform", "active", "UTC"]
    assert head.index("kind") == first.index("platform") == second.index("customer")
    assert [row["slug"] for row in answer("tenant", "list")] == ["noctis", "quay"]


def test_an_empty_list_says_so_to_people_and_is_empty_for_programs(quay: Tenant) -> None:
    assert printed("client", "list", "quay") == "Nothing yet.\n"
    assert answer("client", "list", "quay") == []


# Clients and their keys.


def test_a_clients_secret_is_printed_once() -> None:
    made = answer("client", "create", "quay", "gate", "--role", "ingest")

    (key,) = ServiceClient.objects.get(name="gate").keys.all()
    assert made.keys() == {"client", "id", "kid", "algorithm", "secret"}
    assert (made["kid"], made["algorithm"]) == (key.kid, "HS256")
    assert keyring.decrypt(key.material).decode() == made["secret"]
    assert made["secret"] not in printed("client", "list", "quay")


def test_for_people_each_value_has_a_line_of_its_own() -> None:
    lines = printed("client", "create", "quay", "gate", "--role", "read").splitlines()

    assert [line.split()[0] for line in lines] == ["client", "id", "kid", "algorithm", "secret"]
    assert len({line.index(line.split()[1]) for line in lines}) == 1


def test_a_client_with_a_public_key_gets_no_secret(tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    pem.write_text(tokens.public_pem("EdDSA"))
    of_key = ("--algorithm", "EdDSA", "--public-key", str(pem))

    made = answer("client", "create", "quay", "gate", "--role", "read", *of_key)

    assert made.keys() == {"client", "id", "kid", "algorithm"}


def test_a_rotated_client_lists_both_keys() -> None:
    old = answer("client", "create", "quay", "gate", "--role", "read")

    new = answer("client", "rotate", "quay", "gate", "--overlap", "12h", "--reason", "yearly")

    (row,) = answer("client", "list", "quay")
    assert row["keys"] == f"{new['kid']} active, {old['kid']} retiring"
    assert new["secret"] != old["secret"]
    assert AuditEntry.objects.get(action="key.retire").reason == "yearly"


def test_a_disabled_client_is_listed_as_such() -> None:
    answer("client", "create", "quay", "gate", "--role", "read")

    said = answer("client", "disable", "quay", "gate")

    (row,) = answer("client", "list", "quay")
    assert said == {"client": "gate", "enabled": "no"}
    assert row["enabled"] == "no"


def test_a_token_stands_alone_and_is_accepted(whoami: Ask) -> None:
    answer("client", "create", "quay", "gate", "--role", "read")

    token = printed("client", "token", "quay", "gate", "--ttl", "15m").strip()

    assert whoami(token).json()["name"] == "gate"
    assert answer("client", "token", "quay", "gate").keys() == {"token"}


# Operators and secrets.


def test_an_operator_gets_a_password_and_a_second_factor_once() -> None:
    made = answer("operator", "create", "ada", "--tenant", "quay", "--role", "tenant_admin")

    person = Operator.objects.get(username="ada")
    assert person.check_password(made["password"])
    assert keyring.decrypt(person.otp_secret).decode() in made["second_factor"]


def test_an_operator_may_go_without_a_second_factor() -> None:
    of_quay = ("--tenant", "quay", "--role", "auditor", "--no-second-factor")

    made = answer("operator", "create", "ada", *of_quay)

    assert made.keys() == {"username", "password", "role"}
    assert Operator.objects.get(username="ada").otp_secret == ""


def test_secrets_are_resealed_by_a_command(settings: LazySettings) -> None:
    PlatformFactory()
    KeyFactory()
    settings.ENCRYPTION_KEYS = (Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS)

    counts = [answer("secrets", "reseal")["client_keys"] for _ in range(2)]

    assert counts == [1, 0]


# The audit log.


def test_verifying_tells_each_chains_end_and_that_it_holds(quay: Tenant) -> None:
    answer("tenant", "suspend", "quay", "--reason", "unpaid")

    (row,) = answer("audit", "verify")

    end = str(audit.head(quay))
    assert row == {"tenant": "quay", "entries": 1, "verdict": "holds", "anchor": end}
    assert end in printed("audit", "verify", "--anchor", end, "--anchor", end)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_broken_chain_ends_with_one_and_says_where(
    quay: Tenant, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    answer("tenant", "suspend", "quay", "--reason", "unpaid")
    with maintenance():
        AuditEntry.objects.update(reason="other")

    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify", *form)

    assert ended.value.code == 1
    assert "1: was edited" in capsys.readouterr().out


def test_an_anchor_that_is_not_in_the_chain_ends_with_one(
    quay: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    answer("tenant", "suspend", "quay", "--reason", "unpaid")

    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify", "--anchor", f"quay:1:{'0' * 64}")

    assert ended.value.code == 1
    assert "1: is not the entry that was anchored" in capsys.readouterr().out


# Failures.


FAILURES = {
    "an unknown tenant": ("client list reef", "not_found: There is no tenant reef"),
    "an unknown client": ("client rotate quay gate", "not_found: quay has no client called gate"),
    "a taken slug": ("tenant create quay", "validation_error: slug: "),
    "a bad slug": ("tenant create Quay", "validation_error: slug: "),
    "a bad time zone": ("tenant create reef --timezone Mars", "Mars is no IANA time zone"),
    "a long name": (f"client create quay {'x' * 121} --role read", "validation_error: name: "),
    "a long reason": (f"tenant suspend quay --reason {'x' * 501}", "reason: at most 500"),
    "a role": ("client create quay gate --role boss", "invalid choice: 'boss'"),
    "no role": ("client create quay gate", "--role"),
    "no verb": ("client", "verb"),
    "another verb": ("client destroy", "invalid choice: 'destroy'"),
    "a missing file": (
        "client create quay gate --role read --algorithm EdDSA --public-key /nowhere",
        "validation_error: cannot read /nowhere",
    ),
    "no public key": (
        "client create quay gate --role read --algorithm EdDSA",
        "public_key: expected a public key in PEM form",
    ),
    "a duration without unit": ("client token quay gate --ttl 15", "expected a number and s, m"),
    "a duration of words": ("client rotate quay gate --overlap soon", "expected a number and s, m"),
    "an endless duration": ("client token quay gate --ttl 999999999999d", "expected a number"),
    "an anchor": ("audit verify --anchor quay", "expected tenant:sequence:digest"),
    "an unknown tenant's anchor": ("audit verify --anchor reef:1:ff", "There is no tenant reef"),
}


@pytest.mark.parametrize(("words", "said"), FAILURES.values(), ids=FAILURES.keys())
def test_a_wrong_argument_is_one_line_that_says_what(words: str, said: str) -> None:
    assert said in failure(*words.split())

    assert not ServiceClient.objects.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("client create quay gate --role read", "name_taken: "),
        ("client token quay gate --ttl 2d", "validation_error: ttl: 1 to 86400 seconds"),
        ("client rotate quay gate --overlap 31d", "overlap_seconds: 0 to 2592000 seconds"),
        ("operator create ada --tenant quay --role auditor", "name_taken: "),
    ],
)
def test_what_is_taken_or_out_of_range_is_one_line(words: str, said: str) -> None:
    answer("client", "create", "quay", "gate", "--role", "read")
    answer(*["operator", "create", "ada", "--tenant", "quay", "--role", "auditor"])

    assert said in failure(*words.split())


@pytest.mark.parametrize("content", [b"rubbish", b"\xff\xfe", b""])
def test_a_bad_public_key_is_one_line(tmp_path: Path, content: bytes) -> None:
    pem = tmp_path / "key.pem"
    pem.write_bytes(content)
    of_key = ("--algorithm", "EdDSA", "--public-key", str(pem))

    said = failure("client", "create", "quay", "gate", "--role", "read", *of_key)

    assert "expected a public key" in said or "cannot read" in said
    assert not ServiceClient.objects.exists()


def test_the_platform_tenant_cannot_be_suspended_from_the_shell() -> None:
    PlatformFactory(slug="noctis")

    assert "cannot be suspended" in failure("tenant", "suspend", "noctis", "--reason", "x")
