"""Nobody belongs to a site that is not there: the database says so, though no foreign key does."""

import pytest
from django.db import IntegrityError, connection, transaction

from prospects.models import Prospect, Site
from tests import racing

NOWHERE = 2**40


def test_refuses_people_of_a_site_that_is_not_there(db):
    site = Site.objects.create(domain="acme.example")
    people = [Prospect(email="", site_id=key) for key in (site.pk, None, NOWHERE)]
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        Prospect.objects.bulk_create(people)
    Prospect.objects.bulk_create(people[:2])
    with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
        Prospect.objects.update(site=NOWHERE)
    Prospect.objects.update(site=site)
    Prospect.objects.update(site=None)


def test_keeps_a_site_while_somebody_belongs_to_it(db):
    person = Prospect.objects.create(site=Site.objects.create(domain="acme.example"))
    with pytest.raises(IntegrityError, match="people belong"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM prospects_site WHERE id = %s", [person.site_id])
    Prospect.objects.update(site=None)
    Site.objects.all().delete()


def test_waits_for_somebody_who_is_being_added_there(transactional_db):
    site = Site.objects.create(domain="acme.example")

    def remove():
        with pytest.raises(IntegrityError, match="people belong"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM prospects_site WHERE id = %s", [site.pk])

    racing.meanwhile(remove, under_way=lambda: Prospect.objects.create(site=site))
    assert Site.objects.exists()
