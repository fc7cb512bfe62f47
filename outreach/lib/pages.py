"""What every server-rendered page shares: keyset paging, forms that call verbs, undo, confirmation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from outreach.lib.errors import DomainError

R = TypeVar("R")
ROWS = 50
LARGEST_KEY = 2**63 - 1
DIGITS = 19  # of it; Python refuses to read very long numbers


@dataclass(frozen=True)
class Paged:
    """One page of rows, newest first; `older` and `newer` are its neighbours' query strings, "" where there is none."""

    rows: Sequence[Any]
    older: str = ""
    newer: str = ""


def paged(request: HttpRequest, rows: QuerySet[Any], *, size: int = ROWS) -> Paged:
    """A page of at most `size` rows by descending key: `?before=<key>` goes on, `?after=<key>` goes back.

    One query, no count, whatever the size of the table. Raises BadRequest for a key that is no number.
    """
    before, after = _key(request, "before"), _key(request, "after")
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        more_newer, more_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        found = list((rows if before is None else rows.filter(pk__lt=before)).order_by("-pk")[: size + 1])
        more_newer, more_older = before is not None, len(found) > size
        found = found[:size]
    if not found:
        return Paged(rows=())
    older = _neighbour(request, "before", found[-1]) if more_older else ""
    newer = _neighbour(request, "after", found[0]) if more_newer else ""
    return Paged(rows=found, older=older, newer=newer)


def _key(request: HttpRequest, name: str) -> int | None:
    said = request.GET.get(name)
    if said is None:
        return None
    if not said.isdecimal() or len(said) > DIGITS or int(said) > LARGEST_KEY:
        raise BadRequest(f"{name} is not a place in this list.")
    return int(said)


def _neighbour(request: HttpRequest, name: str, row: Model) -> str:
    query = request.GET.copy()
    for old in ("before", "after"):
        query.pop(old, None)
    query[name] = str(row.pk)
    return f"?{query.urlencode()}"


def called(form: forms.BaseForm, verb: Callable[..., R], **fixed: Any) -> R | None:
    """Calls the verb with the form's cleaned fields; what it refuses stands beside its field, and the answer is None.

    Call it only after `form.is_valid()`.
    """
    try:
        return verb(**fixed, **form.cleaned_data)
    except DomainError as error:
        show_problems(form, error)
        return None


def show_problems(form: forms.BaseForm, error: DomainError) -> None:
    """Puts what a verb refused beside the form's fields; what belongs to none stands above them."""
    for problem in error.problems:
        form.add_error(problem.field if problem.field in form.fields else None, problem.message)
    if not error.problems:
        form.add_error(None, str(error))


def said(request: HttpRequest, text: str, *, undo: str = "") -> None:
    """Tells what was done, above the next page; `undo` is an address that takes it back when it is posted to."""
    messages.success(request, text, extra_tags=f"undo:{undo}" if undo else "")


def warned(request: HttpRequest, text: str) -> None:
    """Tells that nothing came of it, or what to mind, above the next page."""
    messages.warning(request, text)


def refused(request: HttpRequest, error: DomainError | str) -> None:
    """Tells what was not done and why, above the next page."""
    problems = error.problems if isinstance(error, DomainError) else ()
    for sentence in [problem.message for problem in problems] or [str(error)]:
        messages.error(request, sentence)


def confirm(
    request: HttpRequest, *, title: str, text: str, button: str, back: str, danger: bool = True, **context: Any
) -> HttpResponse:
    """A page that asks before something is done: it posts to its own address. Say how many people it is about."""
    page = {"title": title, "text": text, "button": button, "back": back, "danger": danger, **context}
    return render(request, "shell/confirm.html", page)


def back_to(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Where the form said it came from (`next`), when that is a page of ours; else `default`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(wanted if safe else default)


def is_part(request: HttpRequest) -> bool:
    """True when htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
