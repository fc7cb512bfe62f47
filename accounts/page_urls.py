"""Addresses of the pages about people who log in, and their keys."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("settings/me/", views.profile, name="profile"),
    path("settings/keys/", views.api_keys, name="api-keys"),
    path("settings/keys/add/", views.api_key_add, name="api-key-add"),
    path("settings/keys/<uuid:id>/revoke/", views.api_key_revoke, name="api-key-revoke"),
]
