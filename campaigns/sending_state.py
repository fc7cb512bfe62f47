"""Whether sending is on, and when the machinery last proved alive."""

from campaigns.models import SendingControl
from outreach.lib.models import DatabaseClock


def tick() -> None:
    """Writes the database's time as the last tick that came all the way through beat, broker and worker."""
    SendingControl.objects.update_or_create(pk=1, defaults={"ticked_at": DatabaseClock()})


def current() -> SendingControl:
    """The switch as it stands; a fresh installation's is on."""
    return SendingControl.objects.select_related("stopped_by").filter(pk=1).first() or SendingControl(pk=1)
