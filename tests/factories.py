"""Rows for tests. Keys come from the service that issues them, so each is one that can exist."""

from datetime import timedelta
from uuid import UUID

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from devices.models import Device
from inference.models import ModelVersion, Prediction
from mlops.models import Dataset, Experiment, Replay, Retraining, TrainingRun
from recordings.models import Erasure, FeatureSchema, Recording
from recordings.services import nights
from recordings.services.nights import Night
from tenants.models import AuditEntry, Membership, Operator, ServiceClient, ServiceClientKey, Tenant
from tenants.services import clients
from tenants.services.audit import Actor
from tests import tokens

PASSWORD = "moth-lantern-orbit-7"
ACTOR = Actor("test", AuditEntry.Channel.COMMAND)
FIRST_NIGHT = timezone.now().replace(microsecond=0) - timedelta(days=1)


class TenantFactory(DjangoModelFactory):
    class Meta:
        model = Tenant

    slug = factory.Sequence(lambda n: f"tenant-{n}")
    name = factory.LazyAttribute(lambda tenant: f"Clinic {tenant.slug}")


class PlatformFactory(TenantFactory):
    """The platform's tenant, of which there is one."""

    class Meta:
        django_get_or_create = ("kind",)

    kind = Tenant.Kind.PLATFORM
    slug = "platform"


class OperatorFactory(DjangoModelFactory):
    """A person without a usable password; `password=PASSWORD` costs a slow hash."""

    class Meta:
        model = Operator
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"operator-{n}")
    password = factory.django.Password(None)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    tenant = factory.SubFactory(TenantFactory)
    operator = factory.SubFactory(OperatorFactory)
    role = "tenant_admin"


class ServiceClientFactory(DjangoModelFactory):
    class Meta:
        model = ServiceClient

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"client {n}")
    role = "read"


class KeyFactory(factory.Factory):
    """An `IssuedKey`: the row and, for HS256, the secret."""

    class Meta:
        model = ServiceClientKey

    client = factory.SubFactory(ServiceClientFactory)
    algorithm = "HS256"
    expires_at = None
    device_uuid = None

    @classmethod
    def _create(
        cls, _: type, *, client: ServiceClient, device_uuid: UUID | None, **wanted: object
    ) -> clients.IssuedKey:
        shared = wanted["algorithm"] == "HS256"
        pem = None if shared else tokens.public_pem(str(wanted["algorithm"]))
        request = clients.KeyRequest(public_key=pem, device_uuid=device_uuid, **wanted)
        return clients.issue_key(client=client, request=request, actor=ACTOR)


class DeviceFactory(DjangoModelFactory):
    class Meta:
        model = Device

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"bed {n}")
    external_id = factory.Sequence(lambda n: f"NB-{n:04}")


class RecordingFactory(factory.Factory):
    """An open night, from the service that opens them; each starts a second after the last."""

    class Meta:
        model = Recording

    device = factory.SubFactory(DeviceFactory)
    started_at = factory.Sequence(lambda n: FIRST_NIGHT + timedelta(seconds=n))
    subject = ""

    @classmethod
    def _create(cls, _: type, *, device: Device, **night: object) -> Recording:
        return nights.open_recording(device=device, night=Night(**night))


class ErasureFactory(DjangoModelFactory):
    """A due request to forget a night that is not there."""

    class Meta:
        model = Erasure

    tenant = factory.SubFactory(TenantFactory)
    recording_uuid = factory.Faker("uuid4")
    requested_by = ACTOR.name


class ModelVersionFactory(DjangoModelFactory):
    """A candidate without an artifact, for what only its row matters to."""

    class Meta:
        model = ModelVersion

    version = factory.Sequence(lambda n: f"model-{n}")
    is_live = True
    is_night = True
    artifact_hash = "0" * 64
    schema = factory.LazyFunction(lambda: FeatureSchema.objects.get(is_active=True))
    metadata = factory.LazyFunction(dict)
    created_by = ACTOR.name


class DatasetFactory(DjangoModelFactory):
    """Built, of no night: what a run or a page needs of one."""

    class Meta:
        model = Dataset

    tenant = factory.SubFactory(TenantFactory)
    schema = factory.LazyFunction(lambda: FeatureSchema.objects.get(is_active=True))
    label_sources = ("human",)
    status = "done"
    finished_at = factory.LazyFunction(timezone.now)
    requested_by = ACTOR.name


class ExperimentFactory(DjangoModelFactory):
    class Meta:
        model = Experiment

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda n: f"experiment {n}")
    created_by = ACTOR.name


class TrainingRunFactory(DjangoModelFactory):
    class Meta:
        model = TrainingRun

    tenant = factory.SubFactory(TenantFactory)
    experiment = factory.SubFactory(ExperimentFactory, tenant=factory.SelfAttribute("..tenant"))
    dataset = factory.SubFactory(DatasetFactory, tenant=factory.SelfAttribute("..tenant"))
    version_name = factory.Sequence(lambda n: f"run-{n}")
    recipe = "linear"
    family = "night"
    requested_by = ACTOR.name


class RetrainingFactory(DjangoModelFactory):
    """One that failed: of those that are at work there is one of a family."""

    class Meta:
        model = Retraining

    tenant = factory.SubFactory(TenantFactory)
    family = "night"
    cause = "person"
    status = "failed"
    error = "too_few_people"
    finished_at = factory.LazyFunction(timezone.now)
    requested_by = ACTOR.name


class ReplayFactory(DjangoModelFactory):
    """Of one night, which waits."""

    class Meta:
        model = Replay
        skip_postgeneration_save = True

    tenant = factory.SubFactory(TenantFactory)
    first = factory.SubFactory("tests.factories.ModelVersionFactory")
    nights = 1
    requested_by = "a test"


class PredictionFactory(DjangoModelFactory):
    """Keys are numbers without foreign keys: give those that a test looks at."""

    class Meta:
        model = Prediction

    tenant_id = 1
    recording_id = 1
    model_id = 1
    role = 0
    staging_pass = 1
    epoch_index = 0
    window_end_ts = factory.LazyAttribute(
        lambda row: FIRST_NIGHT + timedelta(seconds=30 * (row.epoch_index + 1))
    )
    stage = 0
    probabilities = (0.7, 0.1, 0.1, 0.1)
    confidence = 0.7
    input_hash = bytes(16)
    latency_us = 100
    request_id = "test"


def signatory(issued: clients.IssuedKey | None = None, **key: object) -> tokens.Signatory:
    """Somebody who can sign with a key, by default a new client's of a new tenant."""
    issued = issued or KeyFactory(**key)
    row = issued.key
    return tokens.Signatory(
        kid=row.kid,
        algorithm=row.algorithm,
        secret=issued.secret,
        subject=str(row.client.uuid),
        tenant=str(row.tenant.uuid),
    )
