"""One's own settings, people who work here, and keys for programs."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordResetConfirmView
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone

from accounts import keys, links, profiles, team
from accounts.callers import caller
from accounts.forms import ChosenPasswordForm, KeyForm, PasswordForm, PersonForm, ProfileForm, RoleForm
from accounts.models import ApiKey, Role, User
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


def team_list(request: HttpRequest) -> HttpResponse:
    """Everybody who has an account, the newest first; addresses and sign-ins only to administrators."""
    return render(request, "accounts/team.html", {"paged": pages.paged(request, User.objects.all())})


def team_add(request: HttpRequest) -> HttpResponse:
    """Adds somebody, and shows the link by which they set their password."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        person = pages.called(form, team.add_person, by=_me(request))
        if person is not None:
            return _with_link(request, person, f"{person} is added")
    return render(request, "accounts/team_add.html", {"form": form})


def team_person(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person: their role, a new password, the end of their account."""
    person = get_object_or_404(User, pk=person_id)
    role = keys.role_of_user(user=person)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": role})
    if request.method == "POST" and form.is_valid():
        changed = pages.called(form, team.change_role, person=person, by=_me(request))
        if changed is not None:
            pages.said(request, f"{person} is {Role(form.cleaned_data['role']).label.lower()} now.")
            return redirect("team")
    return render(request, "accounts/team_person.html", {"person": person, "role": role, "form": form})


def team_link(request: HttpRequest, person_id: int) -> HttpResponse:
    """A new link for setting a password; the old password works until then."""
    person = get_object_or_404(User, pk=person_id)
    if not person.is_active:
        pages.refused(request, f"{person} can't sign in: reactivate the account first.")
        return redirect("team-person", person.pk)
    return _with_link(request, person, f"A new password for {person}")


def team_deactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    """Asks, then closes an account."""
    person = get_object_or_404(User, pk=person_id)
    if request.method == "POST":
        try:
            team.deactivate(person=person, by=_me(request))
        except DomainError as error:
            pages.refused(request, error)
            return redirect("team-person", person.pk)
        pages.said(request, f"{person} can't sign in any more.")
        return redirect("team")
    return pages.confirm(
        request,
        title=f"Deactivate {person}?",
        text="They are signed out at once, their password ends and their API keys are refused. "
        "What they did stays. You can reactivate the account later.",
        button="Deactivate",
        back=reverse("team-person", args=[person.pk]),
    )


def team_reactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    """Opens an account again, and shows the link for its new password."""
    person = get_object_or_404(User, pk=person_id)
    if not team.reactivate(person=person, by=_me(request)):
        pages.refused(request, f"{person} is active already.")
        return redirect("team-person", person.pk)
    person.refresh_from_db()
    return _with_link(request, person, f"{person} may sign in again")


def _with_link(request: HttpRequest, person: User, title: str) -> HttpResponse:
    """The link is in this answer alone: nothing keeps it."""
    path = reverse("sign-in-link", kwargs=links.password_link(person=person))
    address, works = links.opened_at(path=path, here=request.build_absolute_uri(path))
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    page = {"person": person, "address": address, "works_elsewhere": works, "hours": hours, "title": title}
    return render(request, "accounts/team_link.html", page)


class PasswordLink(PasswordResetConfirmView):
    """Where such a link leads: the person chooses a password and is signed in."""

    template_name = "accounts/password_link.html"
    form_class = ChosenPasswordForm
    token_generator = links.PASSWORD_LINKS
    post_reset_login = True
    success_url = reverse_lazy("today")

    def get_user(self, uidb64: str) -> User | None:
        person = super().get_user(uidb64)
        return person if isinstance(person, User) and person.is_active else None

    def form_valid(self, form: Any) -> HttpResponse:
        profiles.take_clock(user=form.user, time_zone=self.request.POST.get("time_zone", ""))
        return super().form_valid(form)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        return super().render_to_response(context, status=200 if context["validlink"] else 410, **kwargs)


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
