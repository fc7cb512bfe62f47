"""The list of whom we never write to."""

import contextlib
import threading
from datetime import timedelta

import pytest
from django.db import connection

from prospects import identity, suppression
from prospects.models import Suppression
from tests import factories

pytestmark = pytest.mark.django_db
BOUNCED, MANUAL = Suppression.Reason.BOUNCED, Suppression.Reason.MANUAL


def keys(email, site=""):
    return identity.contact_keys(email=email, site_domain=site)


def test_stops_an_address_in_every_spelling(manager):
    row, created = suppression.suppress(
        kind="address", value="Anna+x@Gmail.com", reason=BOUNCED, source="a report", by=manager
    )
    assert created
    assert (row.value, row.reason, row.source, row.created_by) == ("Anna+x@gmail.com", "bounced", "a report", manager)
    assert suppression.is_suppressed(keys("a.n.n.a@googlemail.com"))
    assert not suppression.is_suppressed(keys("berta@gmail.com"))


@pytest.mark.parametrize("value", ["blog.example", "https://Blog.example/x", "@blog.example", "*.blog.example"])
def test_stops_a_domain_its_hosts_and_its_site(value):
    suppression.suppress(kind="domain", value=value, reason=MANUAL)
    assert suppression.is_suppressed(keys("anna@blog.example"))
    assert suppression.is_suppressed(keys("anna@mail.blog.example"))
    assert suppression.is_suppressed(keys("anna@gmail.com", "blog.example"))
    assert not suppression.is_suppressed(keys("anna@otherblog.example"))


def test_keeps_the_first_reason():
    first, _ = suppression.suppress(kind="address", value="a@b.example", reason=BOUNCED)
    again, created = suppression.suppress(kind="address", value="A@B.example", reason=MANUAL)
    assert (again, again.reason, created) == (first, "bounced", False)


@pytest.mark.parametrize("value", ["root@localhost", "a@b.test", "Müller@x..y", '"a b"@x.example', "a@[192.0.2.1]"])
def test_stops_an_address_that_no_form_would_take(value):
    suppression.suppress(kind="address", value=value, reason=BOUNCED)
    assert suppression.is_suppressed([f"address:{identity.address_key(value)}"])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("address", value) for value in ("", "anna", "Müller @x..y", "a@b.test (by phone)", "a@b.test; c@d.test")),
        *(("domain", value) for value in ("", "co.uk", "localhost", "a.example; b.example", "all of a.example")),
        ("linkedin", "linkedin.com/in/jane (asked)"),
    ],
)
def test_refuses_what_names_nobody(kind, value):
    with pytest.raises(identity.BadAddress):
        suppression.suppress(kind=kind, value=value, reason=MANUAL)


@pytest.mark.django_db(transaction=True)
def test_writes_one_fact_when_many_say_it_at_once():
    barrier = threading.Barrier(8)
    answers = []

    def say():
        barrier.wait()
        answers.append(suppression.suppress(kind="address", value="a@b.example", reason=MANUAL))
        connection.close()

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [created for _, created in answers].count(True) == 1
    assert Suppression.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_loses_no_wish_that_comes_while_a_mistake_is_lifted():
    for _ in range(5):
        row, _ = suppression.suppress(kind="address", value="a@b.example", reason=MANUAL)
        barrier = threading.Barrier(2)

        def lift(row=row, barrier=barrier):
            barrier.wait()
            with contextlib.suppress(suppression.CannotLift):
                suppression.lift(suppression=row, note="a mistake", by=None)
            connection.close()

        def ask(barrier=barrier):
            barrier.wait()
            suppression.suppress(kind="address", value="a@b.example", reason="unsubscribed")
            connection.close()

        threads = [threading.Thread(target=verb) for verb in (lift, ask)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Suppression.objects.get().reason == "unsubscribed"
        Suppression.objects.all().delete()


def test_puts_a_persons_own_wish_in_the_place_of_what_we_decided():
    suppression.suppress(kind="address", value="a@b.example", reason=MANUAL)
    stored, created = suppression.suppress(kind="address", value="a@b.example", reason="complained", source="m")
    assert (stored.reason, stored.source, created) == ("complained", "m", False)


def test_makes_final_what_was_to_end_for_whom_said_no_themselves(now):
    address, handle, page, told = (
        factories.ProspectFactory(email="a@b.example"),
        factories.ProspectFactory(email="", x_handle="@Jane"),
        factories.ProspectFactory(email="", linkedin_url="https://linkedin.com/in/jane"),
        factories.ProspectFactory(email="told@b.example"),
    )
    suppression.suppress(kind="address", value=address.email, reason=MANUAL, expires_at=now + timedelta(days=1))
    suppression.suppress(kind="address", value=told.email, reason="complained", source="a report")
    everybody = [person.pk for person in (address, handle, page, told)]
    assert suppression.keep_out(prospect_ids=everybody, source="said no") == 3
    assert suppression.keep_out(prospect_ids=everybody, source="again") == 0
    assert suppression.expire(now=now + timedelta(days=2)) == 0
    assert list(Suppression.objects.order_by("kind", "value").values_list("value", "reason", "source")) == [
        ("a@b.example", "declined", "said no"),
        ("told@b.example", "complained", "a report"),
        ("in/jane", "declined", "said no"),
        ("jane", "declined", "said no"),
    ]
