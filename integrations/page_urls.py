"""Addresses of the pages about mailboxes."""

from django.urls import path

from integrations import views

urlpatterns = [
    path("settings/mailboxes/", views.mailboxes, name="mailboxes"),
    path("settings/mailboxes/add/", views.mailbox_add, name="mailbox-add"),
    path("settings/mailboxes/<uuid:id>/", views.mailbox, name="mailbox"),
    path("settings/mailboxes/<uuid:id>/edit/", views.mailbox_edit, name="mailbox-edit"),
    path("settings/mailboxes/<uuid:id>/check/", views.mailbox_check, name="mailbox-check"),
    path("settings/mailboxes/<uuid:id>/resume/", views.mailbox_resume, name="mailbox-resume"),
    path("settings/mailboxes/<uuid:id>/bring-back/", views.mailbox_bring_back, name="mailbox-bring-back"),
]
