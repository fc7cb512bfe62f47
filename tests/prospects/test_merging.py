"""Two rows of one person: what they know comes together, and can be taken apart again; a no never is."""

from datetime import timedelta

import pytest

from accounts.models import User
from campaigns import stopping
from prospects import addresses, dedupe, editing, identity, merging, stages, suppression
from prospects.models import Address, Duplicate, Engagement, Merge, Prospect, Site
from tests import factories

pytestmark = pytest.mark.django_db


def person(**fields):
    return factories.ProspectFactory(**fields)


def merge(survivor, merged, now, **options):
    made = merging.merge(survivor=survivor, merged=merged, by=None, now=now, **options)
    for row in (survivor, merged):
        row.refresh_from_db()
    return made


def undo(made, now, *rows):
    merging.undo(merge=made, by=None, now=now)
    for row in rows:
        row.refresh_from_db()


def snapshot(row):
    row.refresh_from_db()
    return {field.attname: getattr(row, field.attname) for field in Prospect._meta.concrete_fields}


def test_fills_what_the_survivor_lacks_and_keeps_what_it_has(now):
    anna = person(first_name="Anna", last_name="", country="", tags=["a"], custom={"x": "1"})
    other = person(first_name="A.", last_name="Smith", country="DE", tags=["b", "a"], custom={"x": "2", "y": "3"})
    merge(anna, other, now)
    assert (anna.first_name, anna.last_name, anna.country, anna.time_zone) == ("Anna", "Smith", "DE", "Europe/Berlin")
    assert (anna.tags, anna.custom) == (["a", "b"], {"x": "1", "y": "3"})
    assert other.person == anna
    assert list(Prospect.objects.present()) == [anna]


def test_makes_the_addresses_of_both_one_persons(now):
    anna, other = person(email="anna@a.example"), person(email="anna@b.example")
    addresses.add_address(prospect=other, email="anna@c.example", by=None)
    merge(anna, other, now)
    emails = Address.objects.filter(prospect=anna).order_by("email").values_list("email", flat=True)
    assert list(emails) == ["anna@b.example", "anna@c.example"]
    assert set(anna.contact_keys) == set(other.contact_keys)
    assert {identity.key_for("address", f"anna@{host}.example") for host in "abc"} <= set(anna.contact_keys)
    assert anna.contact_keys[0] == identity.key_for("address", "anna@a.example")
    with pytest.raises(editing.InvalidProspect, match="here already"):
        person(email="Anna+x@b.example")
    assert addresses.owner_of(email="anna@c.example") == addresses.owner_of(email="anna@b.example") == anna


def test_gives_the_address_to_a_survivor_who_has_none_and_back(now):
    handle, mail = person(email="", x_handle="anna"), person(email="anna@a.example")
    before = snapshot(handle), snapshot(mail)
    made = merge(handle, mail, now)
    assert handle.email == "anna@a.example"
    assert handle.identity_key == identity.address_key("anna@a.example")
    assert handle.site.domain == "a.example"
    assert mail.identity_key == identity.person_key(x_handle="anna")
    assert not Address.objects.exists()
    undo(made, now, handle, mail)
    assert (snapshot(handle), snapshot(mail)) == before


@pytest.mark.parametrize(("at", "field"), [("stopped_at", "stop_reason"), ("held_at", "hold_reason")])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("of_the_site", [False, True])
def test_holds_a_no_of_either_for_both_and_an_undo_lifts_none(now, at, field, which, of_the_site):
    pair = person(), person()
    if of_the_site:
        Site.objects.filter(pk=pair[which].site_id).update(**{at: now})
    else:
        Prospect.objects.filter(pk=pair[which].pk).update(**{at: now, field: "asked"})
    made = merge(*pair, now)
    assert [getattr(row, at) for row in pair] == [now, now]
    assert all(getattr(row, field) for row in pair)
    undo(made, now, *pair)
    assert [getattr(row, at) for row in pair] == [now, now]


def test_protects_both(now):
    pair = person(), person()
    Prospect.objects.filter(pk=pair[1].pk).update(protected_at=now)
    merge(*pair, now)
    assert pair[0].protected_at == now


@pytest.mark.parametrize("which", [0, 1])
def test_a_suppression_of_either_names_both_and_goes_on_after_an_undo(now, which):
    pair = person(), person()
    suppression.suppress(kind="address", value=pair[which].email, reason="unsubscribed")
    made = merge(*pair, now)
    assert all(suppression.is_suppressed(row.contact_keys) for row in pair)
    undo(made, now, *pair)
    assert suppression.is_suppressed(pair[which].contact_keys)
    assert pair[1 - which].stopped_at
    assert pair[1 - which].stop_reason == merging.WHILE_ONE


def test_an_undo_gives_everything_back_but_what_was_changed_since(now):
    anna, other = person(last_name="", company=""), person(last_name="Smith", company="Acme", x_handle="anna")
    addresses.add_address(prospect=other, email="x@c.example", by=None)
    before = snapshot(anna), snapshot(other)
    made = merge(anna, other, now)
    undo(made, now + timedelta(days=29), anna, other)
    assert (snapshot(anna), snapshot(other)) == before
    assert Address.objects.get().prospect == other
    again = merge(anna, other, now)
    editing.change_prospect(prospect=anna, by=None, last_name="Smythe")
    undo(again, now, anna, other)
    assert (anna.last_name, anna.company) == ("Smythe", "")


def test_flattens_chains_and_takes_them_apart_again(now):
    first, second, third = person(), person(), person()
    before = [snapshot(row) for row in (first, second, third)]
    one = merge(second, first, now)
    two = merge(third, second, now)
    first.refresh_from_db()
    assert first.person == second.person == third
    with pytest.raises(merging.CannotMerge, match="Undo that first"):
        merging.undo(merge=one, by=None, now=now)
    undo(two, now, first, second, third)
    assert (first.person, second.person, third.person) == (second, None, None)
    undo(one, now, first, second)
    assert [snapshot(row) for row in (first, second, third)] == before


def test_undoes_the_newest_of_several_first(now):
    anna, one, other = person(), person(), person()
    older = merge(anna, one, now)
    merge(anna, other, now)
    with pytest.raises(merging.CannotMerge, match="since"):
        merging.undo(merge=older, by=None, now=now)


def test_refuses_what_makes_no_sense(now):
    anna, other, third, demo = person(), person(), person(), person(is_demo=True)
    for survivor, merged in ((anna, anna), (anna, demo)):
        with pytest.raises(merging.CannotMerge):
            merging.merge(survivor=survivor, merged=merged, by=None, now=now)
    merge(anna, other, now)
    for survivor, merged, field in ((other, third, "survivor"), (third, other, "merged")):
        with pytest.raises(merging.CannotMerge, match="already") as caught:
            merging.merge(survivor=survivor, merged=merged, by=None, now=now)
        assert caught.value.problems[0].field == field
    Prospect.objects.filter(pk=third.pk).update(erased_at=now)
    with pytest.raises(merging.CannotMerge, match="erased"):
        merging.merge(survivor=anna, merged=third, by=None, now=now)


def test_undoes_for_thirty_days_and_once(now):
    anna, other = person(), person()
    made = merge(anna, other, now)
    with pytest.raises(merging.CannotMerge, match="30 days"):
        merging.undo(merge=made, by=None, now=now + timedelta(days=31))
    undo(made, now, anna, other)
    with pytest.raises(merging.CannotMerge, match="before"):
        merging.undo(merge=made, by=None, now=now)
    assert not Merge.objects.filter(applied_at=None).exists()


def test_takes_over_stage_and_engagement(now):
    anna, other = person(), person()
    program = factories.ProgramFactory()
    stages.move(prospect=other, program=program, to="joined", why="signed", by=None, now=now)
    Engagement.objects.create(prospect=other, contacted_at=now)
    merge(anna, other, now)
    assert stages.of(prospect=anna)[0].name == "joined"
    assert anna.engagement.contacted_at == now


def test_remembers_the_later_touch(now):
    anna, other = person(), person()
    Prospect.objects.filter(pk=anna.pk).update(contacted_elsewhere_at=now - timedelta(days=9))
    Prospect.objects.filter(pk=other.pk).update(contacted_elsewhere_at=now)
    merge(anna, other, now)
    assert anna.contacted_elsewhere_at == now


def test_a_tombstone_is_not_changed_any_more(now):
    anna, other = person(), person()
    merge(anna, other, now)
    with pytest.raises(editing.InvalidProspect, match="merged"):
        editing.change_prospect(prospect=other, by=None, first_name="Bo")


def test_can_be_written_to_at_the_other_address_from_then_on(now):
    anna, other = person(email="anna@a.example"), person(email="anna@b.example")
    made = merge(anna, other, now)
    changed = editing.change_prospect(prospect=anna, by=None, email="anna@b.example")
    assert changed.identity_key == identity.address_key("anna@b.example")
    assert Address.objects.get(prospect=anna).email == "anna@a.example"
    with pytest.raises(merging.CannotMerge, match="own address now"):
        merging.undo(merge=made, by=None, now=now)


def test_an_undone_pair_is_not_offered_again(now):
    anna = person(first_name="Anna", last_name="Smith", company="Acme")
    other = person(first_name="Anna", last_name="Smith", company="Acme")
    assert dedupe.find() == 1
    made = merge(anna, other, now)
    assert not Duplicate.objects.exists()
    undo(made, now, anna, other)
    dedupe.find()
    assert not dedupe.open_pairs().exists()


def test_a_stop_of_either_row_stops_both(now):
    anna, other = person(), person()
    merge(anna, other, now)
    stopping.stop_person(prospect=other, reason="asked")
    anna.refresh_from_db()
    assert anna.stopped_at


def test_asks_whom_the_protected_row_says_has_to_be_asked(now):
    ada, ben = (User.objects.create(username=name, role="operator") for name in ("ada", "ben"))
    ours, theirs = person(), person()
    Prospect.objects.filter(pk=ours.pk).update(owner=ada)
    Prospect.objects.filter(pk=theirs.pk).update(owner=ben, protected_at=now)
    merge(*(Prospect.objects.get(pk=row.pk) for row in (ours, theirs)), now)
    ours.refresh_from_db()
    assert (ours.owner, ours.protected_at is not None) == (ben, True)
