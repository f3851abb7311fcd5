"""The registry as a machine: whatever is tried in whatever order, only listed edges lead on."""

from contextlib import ExitStack

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inference import refusals
from inference.models import ModelVersion, Serving
from inference.services import registry
from tenants.services.clients import IllegalTransition
from tests.inference.test_registry import WHY, brought, serves

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("store", "shipped_schemas", "empty_registry"),
]
NAMES = ("one", "two", "three")
FAMILIES = ("live", "night")
# As docs/models/lifecycle.md draws them; written out again, so that the table is not its own proof.
MOVES = {
    ("validate", "candidate"): "validated",
    ("reject", "candidate"): "rejected",
    ("reject", "validated"): "rejected",
    ("archive", "candidate"): "archived",
    ("archive", "validated"): "archived",
}
DONE = {"validate": "validated", "reject": "rejected", "archive": "archived"}
SERVICES = {
    "validate": registry.validate_version,
    "reject": registry.reject_version,
    "archive": registry.archive_version,
}
versions = st.sampled_from(NAMES)


class Registry(RuleBasedStateMachine):
    """Beside the database, what each version is and what has served each family, in plain dicts."""

    def __init__(self) -> None:
        super().__init__()
        self._undone = ExitStack()
        self._undone.enter_context(transaction.atomic())
        for seed, name in enumerate(NAMES):
            brought(name, seed)
        self.status = dict.fromkeys(NAMES, "candidate")
        self.served: dict[str, list[str]] = {family: [] for family in FAMILIES}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undone.close()

    @rule(version=versions, action=st.sampled_from(sorted(SERVICES)))
    def move(self, version: str, action: str) -> None:
        before = self.status[version]
        wanted = MOVES.get((action, before), before if DONE[action] == before else None)
        if wanted is None:
            self.is_refused(
                IllegalTransition, lambda: SERVICES[action](version=version, decision=WHY)
            )
        else:
            SERVICES[action](version=version, decision=WHY)
            self.status[version] = wanted

    @rule(version=versions, families=st.sets(st.sampled_from(FAMILIES), min_size=1))
    def serve(self, version: str, families: set[str]) -> None:
        def step() -> object:
            return registry.serve_version(version=version, families=sorted(families), decision=WHY)

        if self.status[version] not in ("validated", "production"):
            self.is_refused(IllegalTransition, step)
            return
        step()
        for family in families:
            if self.now(family) != version:
                self.served[family].append(version)
        self.settle()

    @rule(family=st.sampled_from(FAMILIES))
    def roll_back(self, family: str) -> None:
        def step() -> object:
            return registry.roll_back(families=(family,), decision=WHY)

        if len(self.served[family]) < 2:
            self.is_refused(refusals.NothingBefore, step)
            return
        step()
        del self.served[family][-1]
        self.settle()

    def now(self, family: str) -> str | None:
        return self.served[family][-1] if self.served[family] else None

    def settle(self) -> None:
        """Whatever serves is in production; whatever has served and does not is archived."""
        serving = {self.now(family) for family in FAMILIES}
        for name, status in self.status.items():
            if name in serving:
                self.status[name] = "production"
            elif status == "production":
                self.status[name] = "archived"

    def is_refused(self, kind: type[Exception], step: object) -> None:
        with pytest.raises(kind), transaction.atomic():
            step()  # type: ignore[operator]  # a call without arguments

    @invariant()
    def rows_say_the_same(self) -> None:
        assert dict(ModelVersion.objects.values_list("version", "status")) == self.status
        assert serves() == {family: self.now(family) for family in FAMILIES if self.served[family]}

    @invariant()
    def production_is_what_serves(self) -> None:
        places = set(Serving.objects.values_list("version__version", flat=True))
        production = ModelVersion.objects.in_status("production")
        assert set(production.values_list("version", flat=True)) == places


def test_only_listed_edges_lead_anywhere() -> None:
    run_state_machine_as_test(
        Registry,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
