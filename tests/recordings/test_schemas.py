"""Feature schemas: the pure rules, the service, `manage.py schema`, `/v1/feature-schemas`."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from noctis import errors
from recordings import schemas
from recordings.models import FeatureSchema
from recordings.schemas import BadSchema
from recordings.services import schemas as services
from tenants.models import AuditEntry, Tenant
from tests.factories import ACTOR, PlatformFactory, ServiceClientFactory, signatory

pytestmark = pytest.mark.django_db
Get = Callable[[str], HttpResponse]
DEVICE = schemas.SHIPPED["noctis_v1"]
# As long as the firmware sends these bytes, this hash names them.
DEVICE_HASH = "cbbb73b8912f2baf23a0e7e6ae8c33dc9333809c427388556eac31c905c5952f"


@pytest.fixture
def platform() -> Tenant:
    return PlatformFactory()


@pytest.fixture
def get(client: Client) -> Get:
    reader = signatory(client=ServiceClientFactory(role="ingest"))
    headers = {"Authorization": f"Bearer {reader.token()}"}
    return lambda path: client.get(f"/v1/feature-schemas{path}", headers=headers)


def feature(name: str = "spo2_mean", **other: object) -> dict[str, object]:
    return {"name": name, "unit": "%", "minimum": 0, "maximum": 100} | other


def document(
    *features: object, version: object = "noctis_v2", **other: object
) -> dict[str, object]:
    return {"version": version, "features": list(features), **other}


def file_of(folder: Path, content: object) -> str:
    path = folder / "schema.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def printed(*words: str) -> str:
    out = StringIO()
    call_command("schema", *words, stdout=out)
    return out.getvalue()


def failure(*words: str) -> str:
    with pytest.raises(CommandError) as failed:
        printed(*words)
    return str(failed.value)


def active_version() -> str:
    return FeatureSchema.objects.get(is_active=True).version


# The rules.


def test_the_hash_names_the_content_and_not_its_spelling() -> None:
    rows = schemas.as_rows(DEVICE)
    reordered = [dict(reversed(row.items())) for row in rows]

    assert schemas.digest_of(schemas.parsed(reordered)) == schemas.digest_of(DEVICE) == DEVICE_HASH
    assert schemas.digest_of(DEVICE[::-1]) != DEVICE_HASH


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        "noctis_v1",
        document(),
        document(feature(), feature()),
        document(feature("HR mean")),
        document(feature("=cmd")),
        document(feature("x" * 64)),
        document(feature(minimum=5, maximum=4)),
        document(feature(minimum="0")),
        document(feature(dtype="float64")),
        document(feature(missing="-1")),
        document({"name": "a"}),
        document(feature(colour="red")),
        document(feature(), version=""),
        document(feature(), version="a/b"),
        document(feature(), version=2),
        document(feature(), version="-x"),
        document(feature(), note="hello"),
        {"version": "noctis_v2", "features": "all"},
    ],
)
def test_a_malformed_schema_is_refused(wrong: object) -> None:
    with pytest.raises(BadSchema):
        schemas.written(wrong)


def test_an_unbounded_side_is_null_and_infinity_is_no_bound() -> None:
    version, features = schemas.written(document(feature(minimum=None, maximum=None)))

    assert (version, features[0].minimum, features[0].maximum) == ("noctis_v2", None, None)
    with pytest.raises(BadSchema):
        schemas.parsed([feature(maximum=float("inf"))])


def test_a_successor_may_drop_only_what_is_deprecated() -> None:
    old = schemas.parsed([feature("a"), feature("b", deprecated_in="noctis_v2")])

    schemas.check_successor(old, schemas.parsed([feature("a"), feature("c")]))

    with pytest.raises(BadSchema, match="a: not marked deprecated"):
        schemas.check_successor(old, schemas.parsed([feature("b")]))


# The service.


def test_the_shipped_schemas_are_there_and_the_device_s_is_active() -> None:
    rows = {row.version: row for row in FeatureSchema.objects.all()}

    assert set(rows) == {"noctis_v1", "v1"}
    assert active_version() == "noctis_v1"
    assert [len(rows[version].features) for version in ("noctis_v1", "v1")] == [15, 10]
    assert services.active().features == DEVICE


def test_adding_and_activating_are_audited_at_the_platform(platform: Tenant) -> None:
    _, features = schemas.written(document(*schemas.as_rows(DEVICE), feature()))

    added = services.add_schema(version="noctis_v2", features=features, actor=ACTOR)
    services.activate_schema(version="noctis_v2", actor=ACTOR)

    entries = AuditEntry.objects.filter(tenant=platform).order_by("sequence")
    assert [entry.action for entry in entries] == ["schema.add", "schema.activate"]
    assert {entry.after["digest"] for entry in entries} == {added.digest}
    assert entries[1].before == {"version": "noctis_v1", "digest": DEVICE_HASH}


def test_the_active_schema_is_known_at_once_where_it_was_activated(platform: Tenant) -> None:
    assert services.active().version == "noctis_v1"
    _, features = schemas.written(document(*schemas.as_rows(DEVICE), feature()))
    services.add_schema(version="noctis_v2", features=features, actor=ACTOR)

    services.activate_schema(version="noctis_v2", actor=ACTOR)

    assert services.active().version == active_version() == "noctis_v2"


def test_activating_again_changes_nothing(platform: Tenant) -> None:
    services.activate_schema(version="noctis_v1", actor=ACTOR)

    assert not AuditEntry.objects.exists()


def test_a_schema_that_drops_a_living_feature_is_not_activated(platform: Tenant) -> None:
    with pytest.raises(errors.Conflict, match="not marked deprecated"):
        services.activate_schema(version="v1", actor=ACTOR)

    assert active_version() == "noctis_v1"


@pytest.mark.parametrize("version", ["noctis_v1", "noctis_v9"])
def test_a_name_and_a_content_each_stand_for_one_schema(platform: Tenant, version: str) -> None:
    features = DEVICE if version == "noctis_v9" else schemas.parsed([feature()])

    with pytest.raises(services.SchemaTaken):
        services.add_schema(version=version, features=features, actor=ACTOR)

    assert FeatureSchema.objects.count() == 2
    assert not AuditEntry.objects.exists()


def test_without_a_platform_tenant_nothing_is_added() -> None:
    with pytest.raises(errors.Conflict, match="no platform tenant"):
        services.add_schema(version="x", features=schemas.parsed([feature()]), actor=ACTOR)

    assert FeatureSchema.objects.count() == 2


def test_the_database_holds_one_active_schema() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        FeatureSchema.objects.update(is_active=True)


# The command.


def test_a_schema_goes_from_a_file_to_the_one_that_is_spoken(
    platform: Tenant, tmp_path: Path
) -> None:
    shown = json.loads(printed("show", "noctis_v1", "--json"))
    shown["version"] = "noctis_v2"
    shown["features"].append(feature())

    printed("add", file_of(tmp_path, shown))
    printed("activate", "noctis_v2")

    listed = json.loads(printed("list", "--json"))
    assert [(row["version"], row["active"], row["features"]) for row in listed] == [
        ("noctis_v2", "yes", 16),
        ("noctis_v1", "no", 15),
        ("v1", "no", 10),
    ]


def test_showing_a_schema_prints_its_features_in_order() -> None:
    lines = printed("show", "noctis_v1").splitlines()

    assert [line.split()[0] for line in lines[1:]] == [f.name for f in DEVICE]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        (document(), "at least one feature"),
        (document(feature(), version="noctis_v1"), "schema_taken"),
    ],
)
def test_a_bad_file_is_one_line_of_failure(
    platform: Tenant, tmp_path: Path, content: object, said: str
) -> None:
    assert said in failure("add", file_of(tmp_path, content))
    assert FeatureSchema.objects.count() == 2


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert "no schema v9" in failure("show", "v9")
    assert "no schema v9" in failure("activate", "v9")
    assert "cannot read" in failure("add", str(tmp_path / "none.json"))


# The routes.


def test_the_list_shows_every_version_with_its_hash(get: Get) -> None:
    body = get("").json()

    assert {row["version"]: row["active"] for row in body["items"]} == {
        "noctis_v1": True,
        "v1": False,
    }
    assert body["next"] is None
    assert {row["hash"] for row in body["items"]} == {
        schemas.digest_of(features) for features in schemas.SHIPPED.values()
    }


def test_one_version_tells_names_units_ranges_and_positions(get: Get) -> None:
    body = get("/noctis_v1").json()

    assert body["hash"] == DEVICE_HASH
    assert [row["position"] for row in body["features"]] == list(range(15))
    assert [row["name"] for row in body["features"]] == [f.name for f in DEVICE]
    heart = body["features"][1]
    assert (heart["unit"], heart["minimum"], heart["maximum"]) == ("bpm", 20, 250)


def test_an_unknown_version_is_not_found(get: Get) -> None:
    assert get("/v9").status_code == 404


def test_the_list_is_paged(get: Get) -> None:
    first = get("?limit=1").json()

    rest = get("?" + first["next"].partition("?")[2]).json()

    assert len(first["items"]) == len(rest["items"]) == 1
    assert first["items"] != rest["items"]


def test_the_number_of_queries_does_not_grow_with_the_versions(get: Get, platform: Tenant) -> None:
    counts = []
    get("")
    for number in (1, 2):
        features = schemas.parsed([feature(f"extra_{number}_{i}") for i in range(30)])
        services.add_schema(version=f"wide_{number}", features=features, actor=ACTOR)
        with CaptureQueriesContext(connection) as queries:
            get("")
        counts.append(len(queries))

    assert counts[0] == counts[1]
