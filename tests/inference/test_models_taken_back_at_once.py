"""Two people take the same version back at once, with real transactions: one step, not two."""

import threading
import time

import pytest
from django.db import transaction

from inference.models import Generation
from inference.refusals import NotServing
from inference.services import registry
from inference.services.model_events import Decision
from tests.factories import ACTOR
from tests.inference.test_registry import serve, serves, validated
from tests.recordings.test_nights_sweep import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_rows", "store", "shipped_schemas", "empty_registry"),
]


def test_two_who_take_a_version_back_at_once_undo_one_step() -> None:
    for number, name in enumerate(("first", "second", "third")):
        validated(name, number)
        serve(name)
    is_back = threading.Event()

    def take_back(number: int) -> str:
        why = Decision(ACTOR, "it is worse")
        if number:
            is_back.wait(10)
            try:
                registry.take_back(version="third", decision=why)
            except NotServing:
                return "refused"
            return "taken back"
        with transaction.atomic():
            registry.take_back(version="third", decision=why)
            is_back.set()
            time.sleep(0.5)  # the other one looks while nothing of this is committed
        return "taken back"

    before = Generation.objects.get().number
    found = at_once(take_back, 2)

    assert sorted(found) == ["refused", "taken back"]
    assert serves() == {"live": "second", "night": "second"}
    assert Generation.objects.get().number == before + 1
