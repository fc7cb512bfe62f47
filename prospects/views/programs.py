"""Affiliate programs: what you recruit for."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from outreach.lib import pages
from prospects import programs as verbs
from prospects.models import Program
from prospects.program_forms import ProgramForm


def programs(request: HttpRequest) -> HttpResponse:
    """Every program."""
    return render(request, "prospects/programs.html", {"paged": pages.paged(request, Program.objects.all())})


def program_add(request: HttpRequest) -> HttpResponse:
    """A new program."""
    form = ProgramForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and (made := pages.called(form, verbs.add_program)):
        pages.said(request, f"{made.name} is here.")
        return pages.back_to(request, reverse("programs"))
    return render(request, "prospects/program_form.html", {"form": form, "program": None})


def program_edit(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Changes a program; mails that are sent from now on carry what is new."""
    program = get_object_or_404(Program, public_id=id)
    name = program.name
    initial = {field: getattr(program, field) for field in ProgramForm.base_fields}
    form = ProgramForm(request.POST if request.method == "POST" else None, initial=initial)
    if (
        request.method == "POST"
        and form.is_valid()
        and (changed := pages.called(form, verbs.change_program, program=program))
    ):
        pages.said(request, f"{changed.name} is changed.")
        return redirect("programs")
    return render(request, "prospects/program_form.html", {"form": form, "program": name})
