"""The night's page: what was measured, what was made of it, and how sure that is.

Stands above the page of the recording, which knows of no hypnogram; changes are its named actions.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from inference.services import hypnograms
from mlops.admin import night_files, night_sheets
from mlops.services import night_views
from noctis import errors
from recordings.admin import RecordingPage
from recordings.models import Recording
from tenants.console.who import operator_of
from tenants.roles import Capability

# What the picture of a night is made of, beyond the recording itself.
LOOKS_AT = (Capability.EPOCHS_READ, Capability.PREDICTIONS_READ, Capability.LABELS_READ)

admin.site.unregister(Recording)


@admin.register(Recording)
class NightPage(RecordingPage):
    """Nights, each on one device; how far each has come."""

    change_form_template = "admin/night.html"

    def get_urls(self) -> list[URLPattern]:
        """Beside the page itself, the report to hand over and the files to take away."""
        report = self.admin_site.admin_view(self.report_view)
        file = self.admin_site.admin_view(self.file_view)
        return [
            path("<str:object_id>/report/", report, name=f"{self._route}_report"),
            path("<str:object_id>/hypnogram.<str:form>", file, name=f"{self._route}_file"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        row: Recording = more.get("obj") or context["original"]
        # What is being erased is as good as gone: of it the page says that and no more.
        if _may_look(request, row) and row.status != row.Status.ERASING:
            view = night_views.look_at_night(recording=row, against=request.GET.get("against", ""))
            context |= {"night": night_sheets.sheet_of(self, request, view)}
        return super().render_change_form(request, context, *args, **more)

    def report_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._looked_at(request, object_id)
        view = night_views.look_at_night(recording=row, against=night_views.NOTHING)
        context = night_sheets.report_of(self, view)
        return TemplateResponse(request, "admin/report.html", context)

    def file_view(self, request: HttpRequest, object_id: str, form: str) -> HttpResponse:
        row = self._looked_at(request, object_id)
        if form not in night_files.FORMS:
            raise Http404
        return night_files.answer(row, hypnograms.current(recording=row), form)

    def _looked_at(self, request: HttpRequest, object_id: str) -> Recording:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row: Recording | None = self.get_object(request, object_id)
        if row is None or row.status == row.Status.ERASING:
            raise errors.Missing
        if not _may_look(request, row):
            raise PermissionDenied
        return row


def _may_look(request: HttpRequest, row: Recording) -> bool:
    operator = operator_of(request)
    return all(operator.may(capability, row.tenant_id) for capability in LOOKS_AT)
