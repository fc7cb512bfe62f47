"""One's own settings, and keys for programs."""

import uuid

from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts import keys, profiles
from accounts.callers import caller
from accounts.forms import KeyForm, PasswordForm, ProfileForm
from accounts.models import ApiKey, User
from outreach.lib import pages
from outreach.lib.errors import DomainError


def profile(request: HttpRequest) -> HttpResponse:
    """Who you are here, and your password."""
    user = _me(request)
    wants_password = request.POST.get("do") == "password"
    details = ProfileForm(
        request.POST if request.method == "POST" and not wants_password else None,
        initial={field: getattr(user, field) for field in ProfileForm.base_fields},
    )
    password = PasswordForm(user, request.POST if wants_password else None)
    if details.is_bound and details.is_valid():
        profiles.change_profile(user=user, **details.cleaned_data)
        pages.said(request, "Saved.")
        return redirect("profile")
    if password.is_bound and password.is_valid():
        update_session_auth_hash(request, password.save())
        pages.said(request, "Your password is changed. Other browsers are signed out.")
        return redirect("profile")
    role = keys.role_of_user(user=user)
    return render(request, "accounts/profile.html", {"details": details, "password": password, "role": role})


def api_keys(request: HttpRequest) -> HttpResponse:
    """Every key, the newest first."""
    paged = pages.paged(request, _keys())
    return render(request, "accounts/api_keys.html", {"paged": paged, "now": timezone.now()})


def api_key_add(request: HttpRequest) -> HttpResponse:
    """Makes a key and shows it this once: the answer itself carries it, and nothing keeps it."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            key, raw = keys.create_key(
                name=form.cleaned_data["name"],
                role=form.cleaned_data["role"],
                owner=_me(request),
                expires_at=form.expires_at(timezone.now()),
            )
        except DomainError as error:
            pages.show_problems(form, error)
        else:
            return render(request, "accounts/api_key_made.html", {"key": key, "raw": raw})
    return render(request, "accounts/api_key_add.html", {"form": form})


def api_key_revoke(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Asks, then ends a key for good."""
    key = get_object_or_404(_keys(), public_id=id)
    if request.method == "POST":
        if keys.revoke(key=key, now=timezone.now()):
            pages.said(request, f"The key “{key.name}” is revoked.")
        else:
            pages.refused(request, f"The key “{key.name}” had been revoked before.")
        return redirect("api-keys")
    return pages.confirm(
        request,
        title=f"Revoke the key “{key.name}”?",
        text=f"Whatever works with {key.prefix}… is refused from this moment on. This can't be taken back.",
        button="Revoke it",
        back=reverse("api-keys"),
    )


def _keys() -> QuerySet[ApiKey]:
    return ApiKey.objects.select_related("owner")


def _me(request: HttpRequest) -> User:
    user = caller(request)
    assert user is not None, "the permission table lets only people in"
    return user
