"""The registry of models: what there is, in which state, and what serves. Nothing else writes it.

Whatever is to serve was read and tested just before; what serves changes with its generation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from inference import lifecycle, refusals
from inference.artifacts import Manifest
from inference.models import Generation, ModelEvent, ModelVersion, Serving, TenantPin
from inference.services import guards
from inference.services.model_events import Change, Decision, tell_change
from inference.serving import board, snapshot
from tenants.services.clients import IllegalTransition

Action = ModelEvent.Action
ASIDE = (Action.ARCHIVE, Action.REJECT)


def version_named(version: str) -> ModelVersion:
    """Find a version by its name."""
    found: ModelVersion | None = (
        ModelVersion.objects.named(version).select_related("schema").first()
    )
    if found is None:
        raise refusals.UnknownModel(f"The registry has no version {version}."[:200])
    return found


def verify_version(row: ModelVersion) -> Manifest:
    """Read a version's artifact from the store, check every byte and let it test itself."""
    return snapshot.verified(row).manifest


def validate_version(*, version: str, decision: Decision) -> ModelVersion:
    """Let a candidate serve from now on, once it has been verified."""
    verify_version(version_named(version))
    return _move(version, Action.VALIDATE, decision, is_guarded=True)


def archive_version(*, version: str, decision: Decision) -> ModelVersion:
    """Put a version aside that does not serve."""
    return _move(version, Action.ARCHIVE, decision)


def reject_version(*, version: str, decision: Decision) -> ModelVersion:
    """Keep a version from ever serving; what the environment pins is let go there first."""
    if version in snapshot.pinned().values():
        raise refusals.PinnedByEnvironment(f"The environment pins {version}.")
    return _move(version, Action.REJECT, decision)


def _move(
    version: str, action: Action, decision: Decision, *, is_guarded: bool = False
) -> ModelVersion:
    with transaction.atomic():
        row = locked(version_named(version).pk)
        before = row.status
        if lifecycle.is_done(action, before):
            return row
        if action in ASIDE:
            _check_pinned_by_nobody(row)
        waived = _guarded(row, action, decision) if is_guarded else ()
        _set_status(row, action)
        tell_change(row=row, change=Change(action, before, waived=waived), decision=decision)
    return row


def _guarded(
    row: ModelVersion, action: Action, decision: Decision, families: Sequence[str] = ()
) -> tuple[str, ...]:
    """An edge that is not there is refused before anybody is asked about the step."""
    _after(row, action)
    asked = guards.ask_guards(row=row, action=action, families=families, decision=decision)
    return tuple(asked)


def serve_version(
    *, version: str, decision: Decision, families: Sequence[str] = ()
) -> ModelVersion:
    """Let a validated version serve: the families named, or all that it offers.

    What served there before is archived unless it still serves elsewhere."""
    row = version_named(version)
    wanted = tuple(families) or tuple(row.families)
    check_offered(row=row, families=wanted)
    check_unpinned(families=wanted)
    if _serves_already(row, wanted):
        return row
    verify_version(row)
    with transaction.atomic():
        # Held until commit: while the guards look, what serves does not change.
        generation = next_generation()
        waived = _guarded(locked(row.pk), Action.SERVE, decision, wanted)
        step = Step(Action.SERVE, decision, generation, waived)
        return _put_in_place(row.pk, wanted, step)


def roll_back(*, families: Sequence[str], decision: Decision) -> list[ModelVersion]:
    """Let serve again what served each family before, once it has been verified: all or none."""
    check_unpinned(families=families)
    with transaction.atomic():
        # Held until the end, so that nobody changes what "before" means.
        return _put_back(families, decision, next_generation())


def take_back(
    *, version: str, decision: Decision, families: Sequence[str] = ()
) -> list[ModelVersion]:
    """Roll back the families named, or all that a version serves; only what it serves."""
    row = version_named(version)
    with transaction.atomic():
        # Before the look: of two who take it back at once the second sees that it gave way already.
        generation = next_generation()
        serves = set(row.serving.values_list("family", flat=True))
        wanted = sorted(set(families) or serves)
        if not wanted or set(wanted) - serves:
            raise refusals.NotServing(f"{version} does not serve {', '.join(wanted) or 'now'}.")
        check_unpinned(families=wanted)
        return _put_back(wanted, decision, generation)


def _put_back(families: Sequence[str], decision: Decision, generation: int) -> list[ModelVersion]:
    targets = {family: _previous(family) for family in families}
    for version in {row.version: row for row in targets.values()}.values():
        verify_version(version)
    return [
        _put_in_place(row.pk, (family,), Step(Action.ROLLBACK, decision, generation))
        for family, row in targets.items()
    ]


def can_roll_back(row: ModelVersion) -> list[str]:
    """The families that this version serves and another could take back."""
    serves = Serving.objects.filter(version=row).values_list("family", flat=True)
    return [family for family in serves if name_of_previous(family)]


def _previous(family: str) -> ModelVersion:
    name = name_of_previous(family)
    if name is None:
        raise refusals.NothingBefore(f"Nothing else has served {family}.")
    return version_named(name)


def name_of_previous(family: str) -> str | None:
    """What a rollback of the family would bring back."""
    rows = ModelEvent.objects.filter(family=family, action__in=(Action.SERVE, Action.ROLLBACK))
    return lifecycle.previous_of(
        list(rows.order_by("id").values_list("action", "version__version"))
    )


def check_offered(*, row: ModelVersion, families: Sequence[str]) -> None:
    """Refuse families that a version was not made for."""
    if missing := [family for family in families if family not in row.families]:
        raise refusals.PassNotOffered(f"{row.version} does not offer {', '.join(missing)}.")


def check_unpinned(*, families: Sequence[str]) -> None:
    """Refuse to change what the environment says."""
    pinned = snapshot.pinned()
    if held := [f"{family} to {pinned[family]}" for family in families if family in pinned]:
        raise refusals.PinnedByEnvironment(f"The environment pins {', '.join(held)}.")


def _check_pinned_by_nobody(row: ModelVersion) -> None:
    pinned_by = TenantPin.objects.of(row).values_list("tenant__slug", flat=True)
    if slugs := sorted({*pinned_by}):
        raise refusals.PinnedByTenant(f"{row.version} is pinned by {', '.join(slugs)}."[:500])


def _serves_already(row: ModelVersion, families: Sequence[str]) -> bool:
    found = Serving.objects.filter(version=row, family__in=families).count()
    return bool(found == len(families))


def next_generation() -> int:
    """Raise the number that every process compares; held until commit, so changes are in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inference_generation AS g (id, number) VALUES (%s, 1) "
            "ON CONFLICT (id) DO UPDATE SET number = g.number + 1 RETURNING number",
            [Generation.ONLY],
        )
        number = int(cursor.fetchone()[0])
    transaction.on_commit(lambda: board.publish(number))
    return number


@dataclass(frozen=True)
class Step:
    """A change of what serves: which, by whom, as which generation, with what waived."""

    action: Action
    decision: Decision
    generation: int
    waived: tuple[str, ...] = ()


def _put_in_place(pk: int, families: Sequence[str], step: Step) -> ModelVersion:
    row = locked(pk)
    before = row.status
    _set_status(row, step.action)
    places: QuerySet[Serving] = Serving.objects.filter(family__in=families).exclude(version=row)
    replaced = list(places.values_list("version_id", flat=True))
    for family in families:
        Serving.objects.update_or_create(
            family=family, defaults={"version": row, "since": timezone.now()}
        )
        change = Change(step.action, before, family, step.generation, step.waived)
        tell_change(row=row, change=change, decision=step.decision)
        before = row.status
    for other in sorted(set(replaced)):
        _retire(other, step.decision, step.generation)
    return row


def _retire(pk: int, decision: Decision, generation: int) -> None:
    if Serving.objects.filter(version=pk).exists():
        return
    row = locked(pk)
    before = row.status
    _set_status(row, Action.RETIRE)
    change = Change(Action.RETIRE, before, generation=generation)
    tell_change(row=row, change=change, decision=decision)


def locked(pk: int) -> ModelVersion:
    """A version's row, until commit."""
    row: ModelVersion = (
        ModelVersion.objects.select_related("schema").select_for_update(of=("self",)).get(pk=pk)
    )
    return row


def _set_status(row: ModelVersion, action: Action) -> None:
    row.status = _after(row, action)
    row.save(update_fields=["status"])


def _after(row: ModelVersion, action: Action) -> str:
    try:
        return lifecycle.after(action, row.status)
    except lifecycle.IllegalEdge as error:
        raise IllegalTransition(f"{row.version}: {error}.") from None
