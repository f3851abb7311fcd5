"""The peer to beat: ingest as a tutorial would write it, nested serializers and all."""

from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recordings.grid import epoch_start
from recordings.models import Epoch, Recording
from recordings.schemas import SHIPPED
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet

WIDTH = len(SHIPPED["noctis_v1"])


class EpochSerializer(serializers.Serializer[Any]):
    epoch_index = serializers.IntegerField(min_value=0)
    epoch_start_ts = serializers.DateTimeField()
    feature_schema_version = serializers.CharField()
    features = serializers.ListField(
        child=serializers.FloatField(allow_null=True), min_length=WIDTH, max_length=WIDTH
    )


class BatchSerializer(serializers.Serializer[Any]):
    recording_id = serializers.UUIDField()
    epochs = EpochSerializer(many=True)


class NaiveIngest(ApiViewSet):
    policy = {"ingest": Capability.EPOCHS_WRITE}
    route_class = "ingest"

    def ingest(self, request: Request) -> Response:
        body = BatchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            recording = (
                Recording.objects.owned_by(self.caller.tenant)
                .select_for_update()
                .get(uuid=body.validated_data["recording_id"])
            )
            made = [self._row(recording, epoch) for epoch in body.validated_data["epochs"]]
            Epoch.objects.bulk_create(made, ignore_conflicts=True)
        return Response({"inserted": len(made)})

    def _row(self, recording: Recording, epoch: dict[str, Any]) -> Epoch:
        index = epoch["epoch_index"]
        return Epoch(
            tenant_id=recording.tenant_id,
            recording_id=recording.pk,
            epoch_start_ts=epoch_start(recording.started_at, index),
            received_at=recording.started_at,
            device_id=recording.device_id,
            epoch_index=index,
            schema_id=1,
            features=[float("nan") if v is None else v for v in epoch["features"]],
        )
