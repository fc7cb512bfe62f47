"""The list of people as a file: everybody whom the facets find, a segment's people too."""

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.callers import caller
from campaigns import standing
from outreach.lib import pages
from prospects import exporting, listing
from prospects.segments import BadFilter


def prospects_export(request: HttpRequest) -> HttpResponseBase:
    """Streams `?format=csv` or `xlsx` of whom the rest of the query string finds."""
    now, wanted = timezone.now(), request.GET.get("format", "csv")
    try:
        found = standing.people(listing.read(request.GET), now=now)
    except BadFilter as error:
        pages.refused(request, f"The segment's rule can't be read. {error}")
        return pages.back_to(request, reverse("prospects"))
    file_format = wanted if wanted in exporting.FORMATS else "csv"
    name = f"people-{timezone.localtime(now):%Y-%m-%d}.{file_format}"
    return StreamingHttpResponse(
        exporting.file(found, file_format=file_format, by=caller(request)),
        content_type=exporting.FORMATS[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
