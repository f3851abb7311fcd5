"""The body of a question: a recording, a scope, and epochs in any form that ingest takes."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from rest_framework import serializers

from inference.services import predict
from inference.services.predict import Question, Scope
from inference.serving import Served, Snapshot
from noctis import errors
from noctis.errors import Problem
from noctis.serializers import Body
from recordings import faults, intake, refusals
from recordings.batches import MAX_BATCH, EpochBatch, NotGood, SentBatch, SentEpoch
from recordings.services.schemas import Spoken

NO_SCOPE = Problem("/scope", "invalid_choice", f"expected {', '.join(Scope)}")


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    recording_id: UUID
    scope: Scope = Scope.LATEST
    epochs: list[SentEpoch] | str | UnsetType = UNSET
    feature_schema_version: str | UnsetType = UNSET
    start_index: int | UnsetType = UNSET


_ASKED = msgspec.json.Decoder(Asked)


class Ask(Body):
    """For the document alone: the hot path decodes without it."""

    example = {"recording_id": "0198f2aa-8c55-7d1e-9d55-6f2f3a2b1c0d", "scope": "latest"}

    recording_id = serializers.UUIDField()
    scope = serializers.ChoiceField(
        list(Scope),
        default="latest",
        help_text="`latest`: the newest epoch that has its window. `pending`: what was not "
        "predicted yet. `all`: every epoch. The last two look at a closed night as a whole.",
    )
    epochs = serializers.JSONField(
        required=False,
        help_text=f"1 to {MAX_BATCH} epochs in any form of `/v1/epochs:ingest`, staged as given; "
        "what is stored is not looked at, and nothing of them is stored.",
    )
    feature_schema_version = serializers.CharField(required=False)
    start_index = serializers.IntegerField(required=False, min_value=0)


def read(raw: bytes, snapshot: Snapshot) -> Question:
    """The question, or a refusal that names all that is wrong with it."""
    try:
        asked = _ASKED.decode(raw)
        if asked.epochs is not UNSET:
            return Question(asked.recording_id, asked.scope, _inline(asked, snapshot))
        if asked.start_index is UNSET and asked.feature_schema_version is UNSET:
            return Question(asked.recording_id, asked.scope)
        raise NotGood
    except intake.BAD as error:
        plain = intake.plain(raw, error)
        raise errors.Invalid(problems=_problems(plain, snapshot)) from None


def _inline(asked: Asked, snapshot: Snapshot) -> EpochBatch:
    served = _served(asked.scope, snapshot)
    sent = SentBatch(
        asked.recording_id,
        cast("list[SentEpoch] | str", asked.epochs),
        asked.feature_schema_version,
        asked.start_index,
    )
    spoken = _spoken(served)
    if sent.version != spoken.version:
        at = "" if isinstance(sent.epochs, str) else "/epochs/0"
        detail = f"{served.version} takes epochs in {spoken.version} alone."
        problem = Problem(f"{at}/feature_schema_version", "feature_schema_mismatch", detail)
        raise refusals.FeatureSchemaMismatch(detail, problems=[problem])
    return intake.batch_of(sent, spoken)[0]


def _served(scope: Scope, snapshot: Snapshot) -> Served:
    staging_pass = predict.pass_of(scope=scope, is_over=True)
    return predict.served_by(snapshot=snapshot, staging_pass=staging_pass)


def _spoken(served: Served) -> Spoken:
    manifest = served.manifest
    return Spoken(served.schema_id, manifest.schema_version, manifest.features)


def _problems(body: object, snapshot: Snapshot) -> list[Problem]:
    """The faults of a batch, but for the epochs where there are none, and those of the scope."""
    if not isinstance(body, Mapping):
        return [Problem("", "wrong_type", "expected an object")]
    batch = {name: value for name, value in body.items() if name != "scope"}
    scope = next((one for one in Scope if one == body.get("scope", Scope.LATEST)), None)
    found = [NO_SCOPE] if scope is None else []
    if "epochs" not in body:
        named = faults.in_batch(batch, (), "")
        return found + [problem for problem in named if problem.pointer != "/epochs"]
    spoken = _spoken(_served(scope or Scope.LATEST, snapshot))
    return found + faults.in_batch(batch, spoken.features, spoken.version)
