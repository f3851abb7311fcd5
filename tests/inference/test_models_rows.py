"""What the database itself refuses of models, predictions and staged nights."""

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from inference.models import (
    Generation,
    Hypnogram,
    LiveCursor,
    ModelEvent,
    ModelVersion,
    Prediction,
    Serving,
)
from noctis.db.maintenance import maintenance
from recordings.models import FeatureSchema, Recording
from tests.factories import ModelVersionFactory, PredictionFactory, RecordingFactory, TenantFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_registry", "shipped_schemas")]


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersionFactory()


@pytest.fixture
def night() -> Iterator[Recording]:
    return RecordingFactory()


@pytest.mark.parametrize("name", ["reload", "Upper", "../up", "a/b", ".hidden", "", "a" * 65])
def test_a_version_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        ModelVersionFactory(version=name)


@pytest.mark.parametrize(
    "change",
    [
        {"artifact_hash": "1" * 64},
        {"version": "other"},
        {"metadata": {"metrics": {"kappa": 1.0}}},
        {"is_live": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_version_keeps_its_artifact_for_good(
    version: ModelVersion, change: dict[str, object]
) -> None:
    with pytest.raises(DatabaseError, match="keeps its name"), transaction.atomic():
        ModelVersion.objects.filter(pk=version.pk).update(**change)

    ModelVersion.objects.filter(pk=version.pk).update(status="validated")


def test_a_version_without_a_pass_is_refused() -> None:
    with pytest.raises(IntegrityError, match="model_has_a_pass"), transaction.atomic():
        ModelVersionFactory(is_live=False, is_night=False)


def test_a_family_serves_one_version(version: ModelVersion) -> None:
    Serving.objects.create(family="night", version=version, since=timezone.now())

    with pytest.raises(IntegrityError), transaction.atomic():
        Serving.objects.create(family="night", version=version, since=timezone.now())
    with pytest.raises(IntegrityError, match="serving_family_known"), transaction.atomic():
        Serving.objects.create(family="day", version=version, since=timezone.now())


def test_there_is_one_generation() -> None:
    with pytest.raises(IntegrityError, match="generation_is_one_row"), transaction.atomic():
        Generation.objects.create(id=2, number=1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inference_prediction SET stage = 0",
        "DELETE FROM inference_prediction",
        "TRUNCATE inference_prediction",
        "UPDATE inference_modelevent SET reason = ''",
        "DELETE FROM inference_modelevent",
    ],
)
def test_what_was_predicted_and_done_stays(version: ModelVersion, statement: str) -> None:
    PredictionFactory(model_id=version.pk)
    ModelEvent.objects.create(version=version, action="import", actor="test")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


def test_maintenance_may_remove_predictions(version: ModelVersion) -> None:
    PredictionFactory(model_id=version.pk)

    with maintenance():
        Prediction.objects.all().delete()

    assert not Prediction.objects.exists()


def test_a_question_of_other_inputs_is_another_row(version: ModelVersion) -> None:
    first = PredictionFactory(model_id=version.pk)
    place = {"recording_id": first.recording_id, "window_end_ts": first.window_end_ts}

    with pytest.raises(IntegrityError), transaction.atomic():
        PredictionFactory(model_id=version.pk, **place)
    PredictionFactory(model_id=version.pk, revision=1, **place)

    assert Prediction.objects.count() == 2


def test_a_failure_is_told_once_for_each_generation(version: ModelVersion) -> None:
    for _ in range(2):
        ModelEvent.objects.bulk_create(
            [
                ModelEvent(
                    version=version, action="load_failed", family="night", generation=3, actor="x"
                )
            ],
            ignore_conflicts=True,
        )

    assert ModelEvent.objects.count() == 1


def test_a_hypnogram_and_a_cursor_are_of_the_nights_tenant(
    version: ModelVersion, night: Recording
) -> None:
    stranger = TenantFactory()

    Hypnogram.objects.create(tenant=stranger, recording=night, model=version, disposition="staged")
    with pytest.raises(IntegrityError, match="hypnogram_recording_of_tenant"):
        connection.check_constraints()


def test_a_cursor_of_another_tenant_is_refused(night: Recording) -> None:
    LiveCursor.objects.create(
        tenant=TenantFactory(), recording=night, staged_through=timezone.now()
    )

    with pytest.raises(IntegrityError, match="cursor_recording_of_tenant"):
        connection.check_constraints()


def test_a_hypnogram_has_as_many_confidences_as_stages(
    version: ModelVersion, night: Recording
) -> None:
    facts = {"tenant": night.tenant, "recording": night, "model": version, "disposition": "staged"}

    with pytest.raises(IntegrityError, match="hypnogram_arrays_agree"), transaction.atomic():
        Hypnogram.objects.create(stages=[0, 1], confidences=[0.5], **facts)
    Hypnogram.objects.create(stages=[0, -1], confidences=[0.5, float("nan")], **facts)
    Hypnogram.objects.create(revision=1, **facts)

    assert [row.revision for row in Hypnogram.objects.of(night)] == [1, 0]


def test_a_schema_that_a_version_speaks_stays(version: ModelVersion) -> None:
    FeatureSchema.objects.filter(pk=version.schema_id)._raw_delete("default")

    with pytest.raises(IntegrityError):
        connection.check_constraints()
