"""A small world, what is foretold of it, and the planner living through the same days."""

from datetime import UTC, datetime, time, timedelta

from campaigns import advancing, booking, lifecycle, planning
from campaigns.calendars import place_of
from campaigns.forecast import forecasting
from campaigns.models import Enrollment, Message, Step
from campaigns.rules import waking
from campaigns.scheduling import DAY
from tests import factories

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
TICK = timedelta(seconds=5)
A_MOMENT = timedelta(minutes=2)  # ticks come one after the other, and each puts a little behind what follows
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "")


def play(*, now, rounds=5_000):
    """Time goes on from one thing that is due to the next; whatever has a slot is handed over at it."""
    for _ in range(rounds):
        hand_over(now=now)
        waking.wake_freed(now=now)
        planning.plan(now=now)
        slots = Message.objects.filter(state="planned").order_by("send_at").values_list("send_at", flat=True)
        looks = Enrollment.objects.filter(look_at__isnull=False).order_by("look_at").values_list("look_at", flat=True)
        due = [at for at in (slots.first(), looks.first()) if at is not None]
        if not due:
            return
        tomorrow = datetime.combine(now.date() + DAY, time(0), UTC)
        is_full = min(due) <= now
        now = min(now + TICK, tomorrow) if is_full and _has_room(now) else max(min(due), now + TICK)
        if is_full and not _has_room(now):
            now = min([tomorrow, *(at for at in (slots.first(),) if at)])
    raise AssertionError("It does not come to an end.")


def _has_room(now):
    return any(book.free(now) for book in booking.slot_books(now=now).values())


def hand_over(*, now):
    """Exactly at the slot, as the workers do a moment late."""
    for message in Message.objects.filter(state="planned", send_at__lte=now).order_by("send_at", "id"):
        at = message.send_at
        sent = {"state": "sent", "marked_at": at, "handed_over_at": at}
        Message.objects.filter(pk=message.pk).update(**sent)
        steps = advancing.sequences([message.enrollment.sequence_version_id])
        step = advancing.step_after(steps[message.enrollment.sequence_version_id], position=message.step.position)
        place = place_of(message.prospect, message.campaign)
        onward = advancing.onward(step, place=place, at=at)
        advancing.move_on([(message.enrollment_id, onward)], handed_over=True)


def world(*, people, cap, gap, steps, delay, unit, days, start=9, end=17, domain_cap=None, ramp=None, sites=0):
    """A draft for so many people of several zones, each at a site of their own or at one of `sites`."""
    warm = {"ramp_start": ramp, "ramp_step": 1, "ramp_from": NOON.date()} if ramp else {}
    mailbox = factories.MailboxFactory(daily_cap=cap, gap_seconds=gap, domain_cap=domain_cap, verified_at=NOON, **warm)
    for number in range(people):
        at = {"email": f"person{number}@site{number % sites}.example"} if sites else {}
        factories.ProspectFactory(time_zone=ZONES[number * 7 // 3 % len(ZONES)], **at)
    campaign = factories.campaign(mailbox=mailbox, steps=steps, delay=delay, delay_unit=unit)
    window = {"window_start": time(start), "window_end": time(end % 24), "weekdays": days}
    Step.objects.filter(sequence_version__campaign=campaign).update(**window)
    return campaign


def foretold(campaign):
    found = forecasting.forecast(campaign=campaign, now=NOON)
    return found, {(each.person_id, each.position): each.at for each in found.first}


def happened(campaign):
    rows = Message.objects.filter(campaign=campaign, state="sent").values_list("prospect", "step__position", "send_at")
    return {(person, position): at for person, position, at in rows}


def agrees(campaign, *, by_person=True):
    """What was foretold, which is then lived; without `by_person` those of the same minute may change places."""
    said, slots = foretold(campaign)
    lifecycle.launch(campaign=campaign, now=NOON, by=None)
    play(now=NOON)
    was = happened(campaign)
    assert said.messages == len(was)
    if by_person:
        pairs = {key: (at, was[key]) for key, at in slots.items()}
    else:
        pairs = dict(enumerate(zip(sorted(slots.values()), sorted(was.values()), strict=True)))
    late = {key: (said_at, was_at) for key, (said_at, was_at) in pairs.items() if abs(was_at - said_at) > A_MOMENT}
    assert not late
    assert abs(max(was.values()) - said.ends_at) <= A_MOMENT
    return said
