"""What runs by itself for the foundations deletes what has expired, and nothing else."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from noctis import tasks
from noctis.schedules import SCHEDULES


@pytest.mark.django_db
def test_expired_sessions_are_forgotten_and_others_kept() -> None:
    kept, expired = SessionStore(), SessionStore()
    kept.save()
    expired.save()
    yesterday = timezone.now() - timedelta(days=1)
    Session.objects.filter(pk=expired.session_key).update(expire_date=yesterday)

    tasks.forget_expired_sessions()

    assert list(Session.objects.values_list("pk", flat=True)) == [kept.session_key]


def test_sessions_are_looked_through_each_day() -> None:
    named = [row for row in SCHEDULES.values() if row["task"] == tasks.forget_expired_sessions.name]

    assert [row["schedule"] for row in named] == [timedelta(days=1)]
