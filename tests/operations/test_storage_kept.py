"""A labelled data set that was imported is kept until somebody erases it."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from recordings.models import Recording
from tests.factories import TenantFactory
from tests.operations.kept import apply, days_after, let_go, rows_of
from tests.recordings.nights import device_of
from tests.recordings.test_import_command import as_csv, sheet

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_labelled", [True, False])
def test_retention_leaves_an_imported_night_alone_if_it_has_labels(
    tmp_path: Path, is_labelled: bool
) -> None:
    tenant = TenantFactory(slug="quay")
    device_of(tenant, external_id="bed-7")
    path = tmp_path / "nights.csv"
    path.write_text(as_csv(sheet(20, **({"stage": "N2"} if is_labelled else {}))))
    words = ["--csv", str(path), "--tenant", "quay", "--device", "bed-7"]
    labels = ["--labels", "psg:S-1"] if is_labelled else []
    call_command("import", "epochs", *words, *labels, stdout=io.StringIO(), stderr=io.StringIO())
    night = Recording.objects.owned_by(tenant).get()
    apply()

    let_go(days_after(night, 500))

    assert night.is_kept is is_labelled
    assert rows_of(night) == (20 if is_labelled else 0)
