"""Stop all sending, in a whole installation at work: the receiving server's log is the witness."""

import time

import pytest

pytestmark = pytest.mark.prove

CAMPAIGNS = 6
PEOPLE = 3_000
PAGES = (
    *(
        "/",
        "/inbox/",
        "/prospects/",
        "/campaigns/",
        "/segments/",
        "/imports/",
        "/messages/uncertain/",
        "/search/?q=tea",
    ),
    *("/settings/", "/settings/mailboxes/", "/settings/programs/", "/settings/suppressions/", "/settings/keys/"),
    *("/settings/me/", "/setup/", "/admin/campaigns/message/", "/campaigns/new/", "/prospects/add/", "/imports/new/"),
)
SIX_CAMPAIGNS = f"""
import io, uuid
from datetime import time
from django.utils import timezone
from campaigns import lifecycle
from campaigns.models import Campaign
from integrations.models import Mailbox
from prospects.importing.files import import_file
from prospects.models import Segment
from templates import versions

demo = Campaign.objects.get(is_demo=True)
rows = "".join(f"person{{n}}@crowd{{n}}.example,Person{{n}}\\n" for n in range({PEOPLE}))
sheet = io.BytesIO(("email,first_name\\n" + rows).encode())
import_file(source=sheet, file_name="crowd.csv", by=None, tags=["crowd"])
crowd = Segment.objects.create(name="Crowd", filter={{"field": "tags", "op": "is", "value": "crowd"}})
text = "Hello {{{{ first_name }}}}\\n{{{{ postal_address }}}}\\n{{{{ unsubscribe_url }}}}"
words = versions.create_template(name="Crowd", subject="Hello", text=text, by=None)
always = dict(window_start=time(0), window_end=time(0), weekdays=[1, 2, 3, 4, 5, 6, 7])
for number in range({CAMPAIGNS}):
    box = Mailbox.objects.get(pk=demo.mailbox_id)
    box.pk, box.public_id, box.from_address = None, uuid.uuid4(), f"six{{number}}@lumentea.example"
    box.gap_seconds, box.daily_cap = 0, 100000
    box.save()
    facts = dict(name=f"Crowd {{number}}", program=demo.program, segment=crowd, mailbox=box)
    made = lifecycle.create_campaign(**facts, by=None)
    lifecycle.add_step(campaign=made, template=words, **always, by=None)
    lifecycle.launch(campaign=made, now=timezone.now(), by=None)
"""


def test_nothing_leaves_after_stop_all_until_a_person_resumes(installation):
    installation.wait(lambda: installation.status() == 200, seconds=90)
    visitor = installation.visitor()
    made = installation.manage("shell", "-c", SIX_CAMPAIGNS)
    assert made.returncode == 0, made.stderr[-2000:]
    before = installation.received()
    installation.wait(lambda: installation.received() > before + 1_000, seconds=120)
    visitor.post("/sending/stop/", reason="a trial")
    stopped_at = installation.received()
    _settle(installation)
    connections = CAMPAIGNS + 1  # one for each mailbox, the demo's too
    assert installation.received() - stopped_at <= connections
    for path in PAGES:
        assert "Sending is stopped" in visitor.get(path), path
    rest = installation.received()
    assert installation.stop() == 0
    installation.start()
    installation.wait(lambda: installation.status() == 200, seconds=60)
    _settle(installation)
    assert installation.received() == rest
    assert "Sending is stopped" in visitor.get("/")
    visitor.post("/sending/resume/")
    installation.wait(lambda: installation.received() > rest + 100, seconds=60)
    assert installation.stop() == 0


def _settle(installation):
    """Three rounds of every tick."""
    time.sleep(15)  # noqa: TID251 - the time of other processes
