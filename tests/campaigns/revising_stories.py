"""What the tests of new versions share: sequences whose mails say which step they are, edited as on the page."""

import re
from datetime import time

from campaigns import drafting, lifecycle, revising
from campaigns.models import Step
from tests import factories

NAMED = re.compile(rb"\[step (\w+)\]")
EVERY_DAY = {"window_start": time(0), "window_end": time(0), "weekdays": [1, 2, 3, 4, 5, 6, 7]}


def text(name):
    return f"[step {name}]\n{factories.TEXT}"


def sequence(names, **campaign):
    """A draft whose steps are named: A says [step A]."""
    made = factories.campaign(steps=0, **campaign)
    for place, name in enumerate(names):
        template = factories.template(text=text(name), subject="" if place else "Hello")
        lifecycle.add_step(campaign=made, template=template, delay=1 if place else 0, **EVERY_DAY, by=None)
    return made


def named(campaign, *, version=None):
    """The steps by name, in order."""
    contents = drafting.contents(campaign=campaign, version=version or campaign.current_version())
    return {NAMED.search(content.text.encode())[1].decode()[0]: content.step for content in contents}


def edit(campaign, names, *, says=None, delay=1):
    """Makes the draft say these steps in this order: new ones are added, missing ones go, the others move."""
    version = revising.begin(campaign=campaign, by=None)
    steps = named(campaign)
    for name in set(steps) - set(names):
        drafting.remove_step(step=Step.objects.get(pk=steps[name].pk))
    for name in names:
        if name not in steps:
            timing = {"delay": delay, "delay_unit": "days", **EVERY_DAY}
            drafting.add_step(campaign=campaign, text=text(name), timing=timing, by=None)
    steps = named(campaign)
    for place, name in enumerate(names, start=1):
        Step.objects.filter(pk=steps[name].pk).update(position=100 + place)
    for place, name in enumerate(names, start=1):
        Step.objects.filter(pk=steps[name].pk).update(position=place)
        wanted = {"subject": "Hello" if place == 1 else "", "text": text((says or {}).get(name, name))}
        content = next(each for each in drafting.contents(campaign=campaign) if each.step.pk == steps[name].pk)
        if (content.subject, content.text) != (wanted["subject"], wanted["text"]):
            drafting.save_text(step=Step.objects.get(pk=steps[name].pk), **wanted)
    return version


def publish(campaign, *, now, **options):
    return revising.publish(campaign=campaign, now=now, by=None, **options)


def received(smtp):
    """By recipient the names of the steps they got, in order, as the mail server has it."""
    got = {}
    for mail in smtp.received:
        got.setdefault(mail.recipient, []).append(NAMED.search(mail.raw)[1].decode())
    return got
