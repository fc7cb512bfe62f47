"""Somebody is erased while a file that names them is being imported: they do not come back."""

import io

import pytest
from django.db import transaction
from django.utils import timezone

from campaigns import privacy
from outreach.lib.errors import DomainError
from prospects import addresses, editing
from prospects.importing import running
from prospects.importing.files import import_file
from prospects.models import Prospect, Suppression

HEADER = "Email,Also,First Name,X handle\n"


@pytest.mark.parametrize(
    "row",
    ["p3@a.example,,Canary,", "P3+new@a.example,,Canary,", "new@a.example,p3@a.example,Canary,", ",,Canary,canary3"],
)
def test_leaves_out_who_is_erased_after_their_row_was_read(transactional_db, monkeypatch, row):
    monkeypatch.setattr(running, "CHUNK", 2)
    person = editing.add_prospect(email="p3@a.example", x_handle="canary3", by=None)
    rows = [f"p{n}@a.example,,Ann,ann{n}" for n in range(10)]
    rows[3] = row

    def erase_then(done):
        if done == 2:
            with transaction.atomic():
                privacy.erase(prospect=person, reason="they asked", by=None, now=timezone.now())

    source = io.BytesIO((HEADER + "\n".join(rows)).encode())
    batch = import_file(
        source=source, file_name="p.csv", by=None, mapping={"Also": "other_emails"}, progress=erase_then
    )
    assert (batch.added, batch.rejected) == (9, 1)
    assert not Prospect.objects.filter(first_name="Canary").exists()
    left_out = batch.rows.get()
    assert (left_out.line, left_out.values) == (5, {})
    assert "forgotten" in left_out.reason


def test_keeps_no_text_of_what_was_rejected_beside_them(transactional_db, monkeypatch):
    monkeypatch.setattr(running, "CHUNK", 2)
    person = editing.add_prospect(email="p3@a.example", by=None)
    rows = ["p0@a.example,,,", "p1@a.example,,,", "p3@a.example@,,Canary,", "p4@a.example,,,"]

    def erase_then(done):
        if done == 2:
            privacy.erase(prospect=person, reason="they asked", by=None, now=timezone.now())

    batch = import_file(
        source=io.BytesIO((HEADER + "\n".join(rows)).encode()), file_name="p.csv", by=None, progress=erase_then
    )
    assert [(bad.line, bad.values) for bad in batch.rows.all()] == [(4, {})]


def test_refuses_them_by_hand_as_well(db, now):
    person = editing.add_prospect(email="p3@a.example", by=None)
    other = editing.add_prospect(email="other@a.example", by=None)
    privacy.erase(prospect=person, reason="they asked", by=None, now=now)
    assert Suppression.objects.filter(reason="erased").exists()
    with pytest.raises(DomainError):
        editing.add_prospect(email="P3@a.example", by=None)
    with pytest.raises(DomainError):
        addresses.add_address(prospect=other, email="p3@a.example", by=None)
