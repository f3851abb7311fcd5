"""The routes of access; a colon verb is a literal part of its path."""

from django.urls import path

from tenants import api

urlpatterns = [
    path("whoami", api.Whoami.as_view({"get": "retrieve"})),
    path("auth/token", api.SignIn.as_view({"post": "create"})),
    path("auth/token/refresh", api.SignIn.as_view({"post": "renew"})),
    path("clients", api.Clients.as_view({"get": "list", "post": "create"})),
    path("clients/<id:id>", api.Clients.as_view({"get": "retrieve"})),
    path("clients/<id:id>:enable", api.Clients.as_view({"post": "enable"})),
    path("clients/<id:id>:disable", api.Clients.as_view({"post": "disable"})),
    path("clients/<id:id>/keys", api.ClientKeys.as_view({"get": "list"})),
    path("clients/<id:id>/keys:rotate", api.ClientKeys.as_view({"post": "rotate"})),
    path("clients/<id:id>/keys/<id:kid>:revoke", api.ClientKeys.as_view({"post": "revoke"})),
    path("audit", api.Audit.as_view({"get": "list"})),
]
