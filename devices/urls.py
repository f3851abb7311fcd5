"""The routes of devices."""

from django.urls import path

from devices import api

urlpatterns = [
    path("devices", api.Devices.as_view({"get": "list", "post": "create"})),
    path("devices/<id:id>", api.Devices.as_view({"get": "retrieve", "patch": "change"})),
    path("devices/<id:id>/credentials", api.Devices.as_view({"post": "credential"})),
]
