"""A URL configuration in which two views have a bug, one outside DRF and one inside."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from noctis import urls
from noctis.urls import handler400, handler403, handler404, handler500
from tenants.viewsets import ApiViewSet

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
SECRET = "the-password-in-the-message"


def plain(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


class Broken(ApiViewSet):
    policy = {"list": "public"}
    authentication_classes = []
    throttle_classes = []

    def list(self, request: Request) -> Response:
        raise RuntimeError(SECRET)


urlpatterns = [
    *urls.urlpatterns,
    path("v1/plain", plain),
    path("v1/broken", Broken.as_view({"get": "list"})),
]
