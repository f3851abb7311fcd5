"""What is being erased is as good as gone, from lists and from pages, before the job has run."""

import pytest
from django.db.models import Model
from django.utils import timezone

from inference.models import Hypnogram, Pass, StagingAttempt
from recordings.models import LabelSet, Recording
from recordings.services import erasure
from tenants.models import Tenant
from tests.factories import ACTOR, TenantFactory
from tests.inference import staged
from tests.mlops.staged_nights import FOUR, score, stage, version_of
from tests.tenants.households import as_, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store", "shipped_schemas")]
PAGES = {
    Hypnogram: "/console/inference/hypnogram/",
    LabelSet: "/console/recordings/labelset/",
    StagingAttempt: "/console/inference/stagingattempt/",
}


def night_of(tenant: Tenant) -> Recording:
    """Scored, staged, and in an attempt that failed."""
    night = staged.closed(tenant, count=10)
    score(night, "WWLLDDRRWW", scorer="ada")
    stage(night, "WWLLDDRRWW", version_of(FOUR))
    times = dict.fromkeys(("of_state", "begun_at", "due_again_at"), timezone.now())
    StagingAttempt.objects.create(
        tenant=tenant, recording=night, staging_pass=Pass.NIGHT, tries=1, **times
    )
    return night


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_night_that_is_being_erased_has_neither_rows_nor_pages(model: type[Model]) -> None:
    tenant = TenantFactory()
    gone, kept = night_of(tenant), night_of(tenant)
    browser, rows = as_("tenant_admin", tenant), model._default_manager.all()
    pages = {
        night: f"{PAGES[model]}{rows.get(recording=night).pk}/change/" for night in (gone, kept)
    }

    before = [browser.get(page).status_code for page in pages.values()]
    erasure.erase_recording(tenant=tenant, recording_uuid=gone.uuid, actor=ACTOR)
    listed = text(browser.get(PAGES[model]))

    assert before == [200, 200]
    assert [browser.get(page).status_code for page in pages.values()] == [302, 200]
    assert pages[kept] in listed
    assert pages[gone] not in listed
