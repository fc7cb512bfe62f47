"""Addresses that stand in mails; they never redirect to a version with a slash."""

from django.urls import path

from campaigns import public_views

urlpatterns = [
    path("u/<str:token>", public_views.unsubscribe, name="unsubscribe"),
    path("c/<str:token>", public_views.click, name="click"),
]
