"""What stands around every page: the rooms, the sending state, who is here and when."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, cached_property
from django.views.decorators.http import require_http_methods, require_POST

from accounts import profiles, throttling
from accounts.callers import caller, client_address
from accounts.models import Installation, Role
from campaigns import answers, errands, releasing, restoring, sending_state, stopping
from campaigns.models import Campaign, SendingControl
from outreach import permissions
from outreach.lib import pages
from outreach.lib.errors import DomainError
from outreach.lib.text import printable
from outreach.lib.words import number

MOST_UNREAD = 99


@dataclass(frozen=True)
class Room:
    """A place in the bar: `routes` are the route names (or their beginnings) of the pages in it."""

    name: str
    route: str
    icon: str
    routes: tuple[str, ...]


ROOMS = (
    Room("Today", "today", "today", ("today", "task")),
    Room("Inbox", "inbox", "inbox", ("inbox", "reply")),
    Room("Prospects", "prospects", "people", ("prospect", "segment", "import", "message")),
    Room("Campaigns", "campaigns", "campaign", ("campaign", "step", "rehearsal")),
    Room(
        "Settings",
        "settings",
        "settings",
        ("settings", "mailbox", "suppression", "rules", "api-key", "program", "profile", "team", "setup", "admin:"),
    ),
)


class Shell:
    """Asked by the templates only: a page that shows no bar costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def role(self) -> Role | None:
        """Whose page this is."""
        return permissions.role_of(self._request)

    @cached_property
    def here(self) -> str:
        """The route of this page."""
        match = self._request.resolver_match
        return match.view_name if match else ""

    @cached_property
    def rooms(self) -> list[tuple[Room, bool]]:
        """The rooms, each with whether this page is in it."""
        return [(room, any(self.here.startswith(route) for route in room.routes)) for room in ROOMS]

    @cached_property
    def may_operate(self) -> bool:
        """Whether who looks may change things."""
        return self.role is not None and self.role.covers(Role.OPERATOR)

    @cached_property
    def may_manage(self) -> bool:
        """Whether who looks may start sending again and change mailboxes."""
        return self.role is not None and self.role.covers(Role.MANAGER)

    @cached_property
    def may_administer(self) -> bool:
        """Whether who looks may do everything."""
        return self.role == Role.ADMINISTRATOR

    @cached_property
    def sending(self) -> SendingControl:
        """The switch over all sending."""
        return sending_state.current()

    @cached_property
    def shows_demo(self) -> bool:
        """Whether the demo world's people are here."""
        left = Installation.objects.filter(real_since__isnull=False).exists()
        return not left and Campaign.objects.filter(is_demo=True).exists()

    @cached_property
    def unread(self) -> int:
        """Answers that nobody has read, counted to 99."""
        return answers.waiting().select_related(None).order_by("-id")[: MOST_UNREAD + 1].count()


def context(request: HttpRequest) -> dict[str, Any]:
    """The context processor: `shell` in every template."""
    return {"shell": SimpleLazyObject(lambda: Shell(request))}


class TimeZoneMiddleware:
    """Pages speak in the zone of whoever looks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self._get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Public pages ask nobody who looks: they answer without the database."""
        match = request.resolver_match
        route = match.view_name if match else ""
        if permissions.least_role(route, "GET") not in (permissions.PUBLIC, permissions.OWN_RULE):
            timezone.activate(_zone_of(request))


def _zone_of(request: HttpRequest) -> ZoneInfo:
    user = caller(request)
    try:
        return ZoneInfo(user.time_zone if user else settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(settings.TIME_ZONE)


class SignIn(LoginView):
    """Signs a person in, unless too many wrong passwords came before (accounts.throttling)."""

    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True
    next_page = "today"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        tries = throttling.sign_ins(username=request.POST.get("username", ""), address=client_address(request))
        if not throttling.spend(tries, now=now):
            return self._wait(throttling.seconds_left(now=now))
        response = super().post(request, *args, **kwargs)
        if request.user.is_authenticated:
            throttling.give_back(tries, now=now)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        profiles.take_clock(user=form.get_user(), time_zone=self.request.POST.get("time_zone", ""))
        return super().form_valid(form)

    def _wait(self, seconds: int) -> HttpResponse:
        form = AuthenticationForm(self.request, initial={"username": self.request.POST.get("username", "")})
        page = self.get_context_data(form=form, minutes=math.ceil(seconds / 60))
        return self.render_to_response(page, status=429, headers={"Retry-After": str(seconds)})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return redirect("sign-in")


@require_http_methods(["GET", "POST"])
def sending_stop(request: HttpRequest) -> HttpResponse:
    """Asks, then stops all sending at once."""
    if request.method == "POST":
        stopping.stop_all(reason=printable(request.POST.get("reason", "")), by=caller(request))
        pages.said(
            request, "All sending is stopped. Mails that were being handed over at that moment may still arrive."
        )
        return pages.back_to(request, reverse("today"))
    return render(request, "shell/sending_stop.html", {"next": request.GET.get("next", "")})


@require_http_methods(["GET", "POST"])
def sending_resume(request: HttpRequest) -> HttpResponse:
    """Asks, then lets sending go on."""
    if request.method == "POST":
        stopping.resume_all(by=caller(request))
        pages.said(request, "Sending goes on.")
        return pages.back_to(request, reverse("today"))
    return pages.confirm(
        request,
        title="Let sending go on?",
        text="Every running campaign goes on where it stopped. What fell due meanwhile goes out within its windows.",
        button="Resume sending",
        back=reverse("today"),
        danger=False,
    )


@require_http_methods(["GET", "POST"])
def sending_settle(request: HttpRequest) -> HttpResponse:
    """Says why a guard holds all sending; a person's word lets it go on."""
    if request.method != "POST":
        return render(request, "shell/sending_held.html", {"settling": restoring.under_way()})
    try:
        restored = request.POST.get("restored") == "yes"
        done = restoring.settle(restored=restored, now=timezone.now(), by=caller(request), seconds=errands.HURRY)
    except DomainError as error:
        pages.refused(request, error)
        return redirect("sending-settle")
    if not done.is_done:
        return redirect("sending-settle")
    pages.said(request, _settled(done))
    return redirect("messages-uncertain" if done.uncertain else "today")


def sending_settle_live(request: HttpRequest) -> HttpResponse:
    """How far the checking after a restore is."""
    return render(request, "shell/settling.html", {"settling": restoring.under_way()})


def _settled(done: restoring.Settled) -> str:
    mails = "1 mail" if done.uncertain == 1 else f"{number(done.uncertain)} mails"
    noes = "1 no was" if done.noes == 1 else f"{number(done.noes)} noes were"
    unsure = f" {mails} may have been sent meanwhile and are not sent again." if done.uncertain else ""
    return f"Sending goes on.{unsure}" + (f" {noes} put back." if done.noes else "")


@require_POST
def sending_release(request: HttpRequest) -> HttpResponse:
    """Lets go what was due while nothing was sent."""
    done = releasing.release(now=timezone.now(), by=caller(request), seconds=errands.HURRY)
    goes_on = "" if done.is_done else " The others get theirs in the next minutes."
    what = f"{number(done.count)} {'mail has' if done.count == 1 else 'mails have'}"
    pages.said(request, f"{what} a new place and will be sent.{goes_on}")
    return pages.back_to(request, reverse("today"))


def settings_index(request: HttpRequest) -> HttpResponse:
    """The rooms behind Settings."""
    return render(request, "shell/settings.html")
