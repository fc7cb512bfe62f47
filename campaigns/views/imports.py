"""Taking an import back."""

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.callers import caller
from campaigns import undoing
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects.models import ImportBatch


def import_undo(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Says how many people an undo is about and who stays, and lets it begin when that is confirmed."""
    batch = get_object_or_404(ImportBatch, public_id=id)
    back = reverse("import", args=[id])
    try:
        if request.method == "POST":
            undoing.ask(batch=batch, by=caller(request), now=timezone.now())
            return HttpResponseRedirect(back)
        foreseen = undoing.foresee(batch=batch)
    except DomainError as error:
        pages.refused(request, error)
        return HttpResponseRedirect(back)
    text = f"{foreseen.words(done=False)} Whoever is suppressed or stopped stays so."
    title = f"Undo the import of {batch.file_name}?"
    return pages.confirm(request, title=title, text=text, button="Undo this import", back=back)
