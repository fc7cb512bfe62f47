"""Whether a domain takes mail: asked of a name server on loopback."""

import io
import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from prospects.importing import mx
from prospects.importing.choosing import Settings
from prospects.importing.files import import_file
from prospects.models import ImportRow

ZONE = {
    ("mail.example.", "MX"): "10 mx.mail.example.",
    ("null.example.", "MX"): "0 .",
    ("only-a.example.", "A"): "192.0.2.1",
    ("empty.example.", "TXT"): '"nothing"',
}


class NameServer(threading.Thread):
    """Answers from ZONE; a name that is not in it does not exist, and `broken.example` fails."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []
        self.silent = set()

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(data)
            if query.question[0].name.to_text() in self.silent:
                continue
            self.socket.sendto(self.answer(query).to_wire(), peer)

    def answer(self, query):
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name == "broken.example.":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in ZONE:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, ZONE[name, kind]))
        elif all(known != name for known, _ in ZONE):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


@pytest.fixture
def server():
    server = NameServer()
    server.start()
    yield server
    server.socket.close()


@pytest.fixture
def resolver(server):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.timeout = ["127.0.0.1"], server.port, 0.5
    return resolver


DOMAINS = ["mail.example", "null.example", "only-a.example", "empty.example", "gone.example", "broken.example"]


def test_names_only_those_that_clearly_take_no_mail(resolver):
    assert mx.no_mail(DOMAINS, resolver=resolver) == {"null.example", "empty.example", "gone.example"}


def test_asks_once_for_each_domain_and_again_for_what_nobody_could_say(resolver, server):
    mx.no_mail([*DOMAINS, *DOMAINS], resolver=resolver)
    server.asked.clear()
    assert mx.no_mail(DOMAINS, resolver=resolver) == {"null.example", "empty.example", "gone.example"}
    assert {name for name, _ in server.asked} == {"broken.example."}


@pytest.fixture
def silent(monkeypatch):
    """A name server that never answers, and what it is asked."""
    monkeypatch.setattr(mx, "PATIENCE", 0.2)
    resolver = dns.resolver.Resolver(configure=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        resolver.nameservers, resolver.port = ["127.0.0.1"], nobody.getsockname()[1]
        asked, resolve = [], resolver.resolve
        monkeypatch.setattr(
            resolver, "resolve", lambda name, *said, **more: asked.append(name) or resolve(name, *said, **more)
        )
        yield resolver, asked


def test_waits_no_longer_for_a_name_server_that_stays_silent(silent):
    resolver, asked = silent
    assert mx.no_mail([f"p{n}.example" for n in range(1_000)], resolver=resolver) == frozenset()
    assert len(asked) <= mx.MOST_SILENT + mx.ASKED_AT_ONCE


def test_goes_on_asking_when_only_some_are_not_answered(resolver, server, monkeypatch):
    monkeypatch.setattr(mx, "PATIENCE", 0.2)
    monkeypatch.setattr(mx, "ASKED_AT_ONCE", 1)
    monkeypatch.setattr(mx, "MOST_SILENT", 2)
    monkeypatch.setattr(server, "silent", {"b.example.", "d.example.", "f.example."})
    assert mx.no_mail([f"{name}.example" for name in "abcdefg"], resolver=resolver) == {
        f"{name}.example" for name in "aceg"
    }


def test_leaves_out_on_an_import_whose_domain_takes_no_mail_when_one_asks_for_it(db, resolver, monkeypatch):
    monkeypatch.setattr(mx, "_resolver", lambda: resolver)
    content = "Email\nada@mail.example\nberta@gone.example\nCARL@Null.Example\ndora@broken.example\n"
    for check, left_out in ((True, {3, 4}), (False, set())):
        source = io.BytesIO(content.encode())
        batch = import_file(source=source, file_name="x", by=None, settings=Settings(check_mx=check))
        assert {row.line for row in batch.rows.all()} == left_out
    assert ImportRow.objects.first().reason == "email: The domain gone.example takes no mail."
