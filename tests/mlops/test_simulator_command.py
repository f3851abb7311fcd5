"""`manage.py nights simulate`: marked as synthetic, repeated, refused by name."""

import io
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mlops.simulator.nights import simulate
from recordings.models import Epoch, FeatureSchema, LabelSet, Recording
from recordings.services import schemas
from tenants.models import Tenant
from tests.factories import DeviceFactory, TenantFactory
from tests.recordings.full_nights import ship_schemas

pytestmark = pytest.mark.django_db
END = timezone.now().date() - timedelta(days=2)
Run = Callable[..., dict[str, object]]


@pytest.fixture(autouse=True)
def _no_remembered_schema(db: None) -> Iterator[None]:
    schemas.forget_active()
    ship_schemas()
    yield
    schemas.forget_active()


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(slug="quay", timezone="Europe/Oslo")


@pytest.fixture
def run(tenant: Tenant) -> Run:
    def run_simulate(*words: str, end: date = END) -> dict[str, object]:
        out = io.StringIO()
        fixed = ["--tenant", "quay", "--end", end.isoformat(), "--json", *words]
        call_command("nights", "simulate", *fixed, stdout=out, stderr=io.StringIO())
        return json.loads(out.getvalue())

    return run_simulate


@pytest.fixture
def device(tenant: Tenant) -> object:
    return DeviceFactory(tenant=tenant, external_id="bed-7")


def test_nights_are_kept_closed_and_marked_as_synthetic(run: Run, device: object) -> None:
    report = run("--device", "bed-7", "--nights", "2", "--label")

    recordings = list(Recording.objects.owned_by(device.tenant).order_by("started_at"))
    assert [recording.night_on for recording in recordings] == [END - timedelta(days=1), END]
    assert {recording.status for recording in recordings} == {"closed"}
    assert {recording.subject for recording in recordings} == {report["subject"]}
    assert str(report["subject"]).startswith("synthetic-")
    said_by = set(LabelSet.objects.values_list("source", "scorer"))
    assert said_by == {("synthetic", "synthetic-simulator")}
    assert report["inserted"] == Epoch.objects.count() == sum(r.epoch_count for r in recordings)
    assert report["label_versions"] == LabelSet.objects.count() == 2


def test_what_is_kept_is_what_was_simulated(run: Run, device: object) -> None:
    report = run("--device", "bed-7", "--nights", "1", "--label")

    sleeper = int(str(report["subject"]).removeprefix("synthetic-"), 16)
    night = next(simulate([(1, sleeper, END.toordinal())]))
    stored = {row.epoch_index: row.features for row in Epoch.objects.all()}
    for epoch, values in enumerate(night.features):
        if np.isnan(values).all():
            assert epoch not in stored
        else:
            kept = [np.nan if value is None else value for value in stored[epoch]]
            assert np.array_equal(np.array(kept, np.float32), values, equal_nan=True)
    assert LabelSet.objects.get().stages == [{0: 0, 1: 5, 2: 3, 3: 4}[s] for s in night.stages]


def test_repeating_and_going_on_adds_only_what_is_new(run: Run, device: object) -> None:
    first = run("--device", "bed-7", "--nights", "2", "--label")

    again = run("--device", "bed-7", "--nights", "3", "--label")

    assert again["nights_opened"] == again["label_versions"] == 1
    assert again["duplicates"] == first["inserted"]
    assert Recording.objects.count() == 3


def test_an_unknown_device_is_registered_only_with_a_name(run: Run) -> None:
    with pytest.raises(CommandError, match="device_not_found"):
        run("--device", "bed-9", "--nights", "1")

    report = run("--device", "bed-9", "--nights", "1", "--device-name", "Synthetic bed")

    assert report["nights_opened"] == 1


def test_the_sleeper_is_the_same_wherever_its_device_is_registered(run: Run) -> None:
    report = run("--device", "bed-5", "--nights", "1", "--device-name", "Synthetic bed")

    assert report["subject"] == f"synthetic-{zlib.crc32(b'quay/bed-5'):08x}"


def test_another_seed_meets_no_night_of_the_first(run: Run, device: object) -> None:
    run("--device", "bed-7", "--nights", "1")

    report = run("--device", "bed-7", "--nights", "1", "--seed", "2")

    assert report["duplicates"] == 0


def test_a_real_night_is_never_added_to(run: Run, device: object) -> None:
    run("--device", "bed-7", "--nights", "1")
    Recording.objects.update(subject="p-1")
    before = Epoch.objects.count()

    with pytest.raises(CommandError, match="not_synthetic"):
        run("--device", "bed-7", "--nights", "1", "--label")

    assert Epoch.objects.count() == before
    assert not LabelSet.objects.exists()


def test_only_nights_of_the_device_schema_can_be_simulated(run: Run, device: object) -> None:
    FeatureSchema.objects.filter(is_active=True).update(is_active=False)
    FeatureSchema.objects.filter(version="v1").update(is_active=True)
    schemas.forget_active()

    with pytest.raises(CommandError, match="schema_not_simulated"):
        run("--device", "bed-7", "--nights", "1")

    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--nights", "0"), "whole number"),
        (("--nights", "many"), "whole number"),
        (("--nights", "1", "--seed", "-1"), "whole number"),
        (("--nights", "1", "--end", "tomorrow"), "expected a date"),
        (("--nights", "1", "--tenant", "nobody"), "no tenant nobody"),
    ],
)
def test_bad_words_are_refused_by_name(
    run: Run, device: object, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run("--device", "bed-7", *words)

    assert not Recording.objects.exists()


def test_nights_older_than_is_kept_are_refused(run: Run, device: object) -> None:
    with pytest.raises(CommandError, match="past_retention"):
        run("--device", "bed-7", "--nights", "1", end=date(2001, 1, 1))

    assert not Recording.objects.exists()
