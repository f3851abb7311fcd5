"""A tenant with a row of every kind that it can own; every text of these rows names the tenant.

A canary is `<tenant>-<model>-<field>`, so whatever shows up says itself where it came from."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import CharField, Field, JSONField, Model, TextField, UUIDField
from django.utils import timezone

from devices.models import Device
from inference.models import Hypnogram, ModelVersion, Pass, Prediction, StagingAttempt, TenantPin
from inference.services import staging
from mlops.models import (
    Dataset,
    DatasetNight,
    DriftRun,
    Experiment,
    GateRun,
    Replay,
    ReplayNight,
    Retraining,
    TrainingRun,
)
from noctis.db.maintenance import maintenance
from operations.models import SummaryMark
from recordings.models import Erasure, ExportMark, LabelSet, Recording
from tenants.console import ConsolePage, PlatformPage
from tenants.models import (
    AuditChain,
    AuditEntry,
    KeyDay,
    Membership,
    Operator,
    ServiceClient,
    ServiceClientKey,
    Tenant,
)
from tests.factories import (
    DeviceFactory,
    ErasureFactory,
    KeyFactory,
    MembershipFactory,
    OperatorFactory,
    PredictionFactory,
    RecordingFactory,
    ServiceClientFactory,
    TenantFactory,
)
from tests.inference.staged import close, send

# Texts that must stay what they are: the database or the page reads them as something else.
SPARED = {"timezone", "passes"}
# What no page may tell, not even to its owner.
SECRET = {"password", "otp_secret", "material"}
BUILT: dict[type[Model], Callable[["Planted"], Model]] = {}


def builds(model: type[Model]) -> Callable[[Any], Any]:
    def keep(build: Callable[["Planted"], Model]) -> Callable[["Planted"], Model]:
        BUILT[model] = build
        return build

    return keep


class Planted:
    """`rows` holds one row of each kind, made in the order of the functions below."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[type[Model], Any] = {}
        for model, build in BUILT.items():
            self.rows[model] = build(self)
        for model, row in self.rows.items():
            self._mark(model, row)

    @property
    def tenant(self) -> Tenant:
        found: Tenant = self.rows[Tenant]
        return found

    def canary(self, model: type[Model], field: str) -> str:
        return f"{self.name}-{model._meta.model_name}-{field.replace('_', '-')}"

    def _mark(self, model: type[Model], row: Model) -> None:
        values = {field.name: self._text(model, field) for field in marked_fields(model)}
        if values:
            with maintenance():
                model._base_manager.filter(pk=row.pk).update(**values)
        row.refresh_from_db()

    def _text(self, model: type[Model], field: Field) -> Any:
        text = self.canary(model, field.name)
        if isinstance(field, JSONField):
            return {**(getattr(self.rows[model], field.name) or {}), "canary": text}
        return text[: field.max_length]

    def traces(self) -> re.Pattern[str]:
        """Whatever of these rows may show: their texts, public ids, and addresses of pages."""
        known = {str(getattr(row, name)) for row in self.rows.values() for name in ids(row)}
        paths = [
            rf"/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/"
            for model, row in self.rows.items()
            if model in admin.site._registry
        ]
        return re.compile("|".join([rf"{self.name}[\w-]*", *sorted(known - {"None"}), *paths]))

    def secrets(self) -> re.Pattern[str]:
        marks = [
            re.escape(self.canary(model, name))
            for model in self.rows
            for name in SECRET & {field.name for field in marked_fields(model)}
        ]
        return re.compile("|".join(marks))

    def more(self, count: int) -> None:
        """The same rows with `count` more of each below them."""
        for number in range(count):
            self._one_more(f"{self.name}-more-{count}-{number}")

    def _one_more(self, name: str) -> None:
        tenant = self.tenant
        TenantFactory(slug=name)
        MembershipFactory(tenant=tenant)
        # Of the known client, device and night, so that what their pages list grows as well.
        KeyFactory(client=ServiceClientFactory(tenant=tenant, name=name))
        KeyFactory(client=self.rows[ServiceClient])
        DeviceFactory(tenant=tenant)
        night = _night(self.rows[Device])
        for recording in (self.rows[Recording], night):
            _labels(recording)
            Hypnogram.objects.create(
                tenant=tenant,
                recording=recording,
                model=ModelVersion.objects.latest("pk"),
                revision=Hypnogram.objects.filter(recording=recording).count(),
                disposition="not_enough_epochs",
                staged_at=timezone.now() - timedelta(hours=1),
            )
        _attempt(night)
        _replayed(night)
        run = _trained(self.rows[Experiment], _snapshot(self.rows[Recording]), name)
        ended = {"status": "failed", "error": "x", "finished_at": timezone.now()}
        Retraining.objects.create(tenant=tenant, family="night", cause="drift", run=run, **ended)
        ErasureFactory(tenant=tenant)


def ids(row: Model) -> Iterable[str]:
    return (field.name for field in row._meta.concrete_fields if isinstance(field, UUIDField))


def marked_fields(model: type[Model]) -> Iterator[Field]:
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, CharField | TextField | JSONField)
        if is_text and not field.choices and field.name not in SPARED:
            yield field


def owned_models() -> Iterator[type[Model]]:
    """Every model whose rows are some tenant's and which has a page, or a text to tell."""
    pages = {m for m, page in admin.site._registry.items() if is_owned(page)}
    for model in apps.get_models():
        names = {field.attname for field in model._meta.concrete_fields}
        if model in pages or ("tenant_id" in names and any(marked_fields(model))):
            yield model


def is_owned(page: Any) -> bool:
    return isinstance(page, ConsolePage) and not isinstance(page, PlatformPage)


@builds(Tenant)
def _tenant(of: Planted) -> Model:
    return TenantFactory(slug=of.name, name=of.name)


@builds(Operator)
def _operator(of: Planted) -> Model:
    return OperatorFactory(username=of.name)


@builds(Membership)
def _membership(of: Planted) -> Model:
    person = of.rows[Operator]
    return MembershipFactory(tenant=of.tenant, operator=person, role="tenant_viewer")


@builds(ServiceClient)
def _client(of: Planted) -> Model:
    return ServiceClientFactory(tenant=of.tenant)


@builds(ServiceClientKey)
def _key(of: Planted) -> Model:
    return KeyFactory(client=of.rows[ServiceClient]).key


@builds(KeyDay)
def _key_day(of: Planted) -> Model:
    return KeyDay.objects.create(tenant=of.tenant, kid="x", on=timezone.now().date())


@builds(AuditEntry)
def _entry(of: Planted) -> Model:
    return AuditEntry.objects.filter(tenant=of.tenant).latest("pk")


@builds(AuditChain)
def _chain(of: Planted) -> Model:
    return AuditChain.objects.get(tenant=of.tenant)


@builds(Device)
def _device(of: Planted) -> Model:
    return DeviceFactory(tenant=of.tenant)


@builds(Recording)
def _recording(of: Planted) -> Model:
    night = _night(of.rows[Device])
    send(night, 40)
    close(night)
    staging.stage_night(recording_id=night.pk)
    return night


@builds(LabelSet)
def _label_set(of: Planted) -> Model:
    return _labels(of.rows[Recording])


@builds(Hypnogram)
def _hypnogram(of: Planted) -> Model:
    return Hypnogram.objects.get(recording=of.rows[Recording])


@builds(Prediction)
def _prediction(of: Planted) -> Model:
    night = of.rows[Recording]
    return PredictionFactory(tenant_id=of.tenant.pk, recording_id=night.pk, epoch_index=99)


@builds(StagingAttempt)
def _staging_attempt(of: Planted) -> Model:
    return _attempt(of.rows[Recording])


@builds(TenantPin)
def _pin(of: Planted) -> Model:
    version = ModelVersion.objects.latest("pk")
    return TenantPin.objects.create(
        tenant=of.tenant, family="live", version=version, since=timezone.now(), reason="x"
    )


@builds(Erasure)
def _erasure(of: Planted) -> Model:
    return ErasureFactory(tenant=of.tenant)


@builds(ExportMark)
def _export(of: Planted) -> Model:
    night = of.rows[Recording]
    return ExportMark.objects.create(
        tenant=of.tenant, kind="x", recording_id=night.pk, through=night.started_at
    )


@builds(SummaryMark)
def _summary(of: Planted) -> Model:
    night = of.rows[Recording]
    known = {"summary": "x", "started_at": night.started_at, "seen_at": night.started_at}
    return SummaryMark.objects.create(tenant=of.tenant, recording=night, **known)


@builds(DriftRun)
def _drift(of: Planted) -> Model:
    day = timezone.now().date()
    days = {"baseline_from": day, "current_from": day, "until": day}
    counts = {"current_nights": 1, "baseline_nights": 1, "severity": "LOW", "seconds": 1}
    model = ModelVersion.objects.latest("pk")
    return DriftRun.objects.create(tenant=of.tenant, model=model, **days, **counts)


@builds(GateRun)
def _judged(of: Planted) -> Model:
    model = ModelVersion.objects.latest("pk")
    ended = {"status": "done", "finished_at": timezone.now()}
    return GateRun.objects.create(tenant=of.tenant, model=model, family="night", **ended)


@builds(Replay)
def _replay(of: Planted) -> Model:
    return _replayed(of.rows[Recording])


@builds(ReplayNight)
def _replay_night(of: Planted) -> Model:
    return ReplayNight.objects.get(replay=of.rows[Replay])


@builds(Dataset)
def _dataset(of: Planted) -> Model:
    return _snapshot(of.rows[Recording])


@builds(Experiment)
def _experiment(of: Planted) -> Model:
    return Experiment.objects.create(tenant=of.tenant, name="x", created_by="x")


@builds(TrainingRun)
def _run(of: Planted) -> Model:
    return _trained(of.rows[Experiment], of.rows[Dataset], f"{of.name}-run")


@builds(Retraining)
def _retraining(of: Planted) -> Model:
    known = {"dataset": of.rows[Dataset], "run": of.rows[TrainingRun]}
    drift = of.rows[DriftRun]
    return Retraining.objects.create(
        tenant=of.tenant, family="night", cause="drift", drift_run=drift, **known
    )


def _replayed(night: Recording) -> Replay:
    """Ended, with a night to draw."""
    different = {"night": str(night.uuid), "agreement": 0.5, "epochs": 40, "differing_minutes": 10}
    replay = Replay.objects.create(
        tenant=night.tenant,
        first=ModelVersion.objects.latest("pk"),
        nights=1,
        status="done",
        finished_at=timezone.now(),
        report={"nights": 1, "most_different": [different]},
    )
    lines = {"a": [0, 1] * 20, "stored": [0, 2] * 20}
    ReplayNight.objects.create(
        tenant=night.tenant, replay=replay, recording=night, status="done", lines=lines
    )
    return replay


def _snapshot(night: Recording) -> Dataset:
    schema = ModelVersion.objects.latest("pk").schema
    row = Dataset.objects.create(
        tenant=night.tenant, schema=schema, label_sources=["human"], requested_by="x"
    )
    DatasetNight.objects.create(
        dataset=row,
        night_tenant=night.tenant,
        recording=night,
        label_version=1,
        is_held_out=False,
        epochs=40,
    )
    return row


def _trained(experiment: Experiment, dataset: Dataset, version: str) -> TrainingRun:
    facts = {"version_name": version, "recipe": "linear", "family": "night", "requested_by": "x"}
    return TrainingRun.objects.create(
        tenant=dataset.tenant, experiment=experiment, dataset=dataset, **facts
    )


def _night(device: Device) -> Recording:
    start = timezone.now().replace(microsecond=0) - timedelta(hours=9)
    before = Recording.objects.filter(device=device).count()
    return RecordingFactory(device=device, started_at=start - timedelta(days=before))


def _labels(night: Recording) -> LabelSet:
    version = LabelSet.objects.filter(recording=night).count() + 1
    facts = {"version": version, "scorer": "ada", "source": "human", "stages": [0, 1] * 20}
    return LabelSet.objects.create(tenant=night.tenant, recording=night, **facts)


def _attempt(night: Recording) -> StagingAttempt:
    now = timezone.now()
    times = {"of_state": now, "begun_at": now, "due_again_at": now}
    return StagingAttempt.objects.create(
        tenant=night.tenant, recording=night, staging_pass=Pass.NIGHT, tries=1, **times
    )
