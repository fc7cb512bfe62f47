"""What the tests of the campaign builder share."""

from django.urls import reverse

from campaigns import drafting
from campaigns.models import Step

GOOD = f"Hello {{{{ first_name }}}}, a word.\n{drafting.FOOT}"
PART = {"HTTP_HX_REQUEST": "true"}


def at(route, campaign, *more):
    return reverse(route, args=[campaign.public_id, *more])


def form(client, address, fields, **headers):
    return client.post(address, fields, format="multipart", **headers)


def fields_of(step, **changed):
    timing = {"delay": step.delay, "delay_unit": step.delay_unit, "weekdays": step.weekdays}
    window = {"window_start": "09:00", "window_end": "17:00"}
    return {**timing, **window, "subject": "Hello", "text": GOOD, "html": "", **changed}


def only_step():
    return Step.objects.get()
