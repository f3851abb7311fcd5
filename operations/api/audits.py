"""`/internal/audit/report`: what the last audit of the stored data found."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from operations.bodies import audits as bodies
from operations.models import DataAudit, DataFinding
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class Audits(ApiViewSet):
    policy = {"report": Capability.PLATFORM_READ}

    @extend_schema(operation_id="get_audit_report", responses=bodies.AuditReport)
    def report(self, request: Request) -> Response:
        """What is not as it must be, with counts and examples; kept up to date by a schedule."""
        still_open = DataFinding.objects.filter(
            closed_at=None, check_name__in=bodies.audits.BY_NAME
        )
        return Response(bodies.report(DataAudit.objects.first(), list(still_open)))
