"""Addresses of the pages about people who log in, and their keys."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("settings/me/", views.profile, name="profile"),
    path("sign-in/link/<str:uidb64>/<str:token>/", views.PasswordLink.as_view(), name="sign-in-link"),
    path("settings/team/", views.team_list, name="team"),
    path("settings/team/add/", views.team_add, name="team-add"),
    path("settings/team/<int:person_id>/", views.team_person, name="team-person"),
    path("settings/team/<int:person_id>/link/", views.team_link, name="team-link"),
    path("settings/team/<int:person_id>/deactivate/", views.team_deactivate, name="team-deactivate"),
    path("settings/team/<int:person_id>/reactivate/", views.team_reactivate, name="team-reactivate"),
    path("settings/keys/", views.api_keys, name="api-keys"),
    path("settings/keys/add/", views.api_key_add, name="api-key-add"),
    path("settings/keys/<uuid:id>/revoke/", views.api_key_revoke, name="api-key-revoke"),
]
