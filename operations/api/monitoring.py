"""`/internal/performance` and `/internal/monitoring`: what the platform tells of itself."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from operations import statements
from operations.bodies import monitoring as bodies
from operations.bodies import performance as performance_bodies
from operations.services import monitoring, performance
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet


class Monitoring(ApiViewSet):
    policy = {
        "performance": Capability.PLATFORM_READ,
        "statistics": Capability.PLATFORM_READ,
        "summary": Capability.PLATFORM_READ,
    }

    @extend_schema(operation_id="get_performance", responses=performance_bodies.PlatformPerformance)
    def performance(self, request: Request) -> Response:
        """Latency, throughput, memory and circuit, of each process and of all together."""
        found = performance.performance(at=timezone.now())
        return Response(performance_bodies.performance(found))

    @extend_schema(
        operation_id="get_performance_statistics",
        responses=performance_bodies.PerformanceStatistics,
    )
    def statistics(self, request: Request) -> Response:
        """The database server's own counts: slow statements where it keeps them, tables."""
        found = statements.slowest(), statements.server(), statements.tables()
        return Response(performance_bodies.statistics(*found))

    @extend_schema(operation_id="get_monitoring_summary", responses=bodies.MonitoringSummary)
    def summary(self, request: Request) -> Response:
        """Every part of the platform and how it is; what is away is told as such."""
        return Response(bodies.summary(monitoring.summary(at=timezone.now())))
