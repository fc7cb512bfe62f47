"""Whether sending is on, and who held it."""

from campaigns.models import SendingControl


def current() -> SendingControl:
    """The switch as it stands; a fresh installation's is on."""
    return SendingControl.objects.select_related("stopped_by").filter(pk=1).first() or SendingControl(pk=1)


def is_held() -> bool:
    """True while a guard holds all sending, as neither the clock nor the database may be trusted."""
    return SendingControl.objects.filter(held_at__isnull=False).exists()
