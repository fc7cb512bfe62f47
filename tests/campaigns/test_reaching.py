"""The public address: it is refused unless recipients can open it and it leads to this installation."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.cache import cache

from campaigns import preflight, reaching
from integrations.models import Mailbox
from tests import factories


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


@contextmanager
def server(*, status=200, headers=None):
    """A web server on loopback that answers everything like this; yields its address and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args):
            pass

    peer = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=peer.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{peer.server_port}", asked
    finally:
        peer.shutdown()
        peer.server_close()
        thread.join()


OURS = {reaching.HEADER: reaching.fingerprint()}


def test_knows_this_installation_by_its_health_page(live_server):
    assert reaching.look(url=live_server.url) == ""


def test_refuses_another_server_in_words():
    with server() as (url, _):
        assert "another server" in reaching.look(url=url)
    with server(headers={reaching.HEADER: "0" * 32}) as (url, _):
        assert "another server" in reaching.look(url=url)


def test_refuses_an_address_where_nobody_answers():
    with server() as (url, _):
        pass
    assert reaching.look(url=url).startswith(f"Nobody answers at {url}")


def test_says_that_a_server_refuses_its_own_name():
    with server(status=400) as (url, _):
        assert "ALLOWED_HOSTS" in reaching.look(url=url)


def test_gives_up_on_a_server_that_hangs():
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # nobody ever accepts
        wrong = reaching.look(url=f"http://127.0.0.1:{silent.server_port}", seconds=0.2)
    assert "no answer in time" in wrong


def test_follows_no_redirect_to_another_place():
    with server(headers=OURS) as (elsewhere, asked), server(status=302, headers={"Location": elsewhere}) as (url, _):
        assert "another server" in reaching.look(url=url)
    assert asked == []


@pytest.mark.parametrize("url", ["", "outreach.example.com", "ftp://outreach.example.com", "http://[::1", "http://x:y"])
def test_says_what_is_no_address(url):
    assert "is not an address" in reaching.look(url=url)
    assert reaching.only_here(url=url) == ""


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000", "http://10.1.2.3", "http://192.168.0.7"),
        *("https://outreach", "https://outreach.local", "https://box.internal:8443", "http://169.254.1.1"),
    ],
)
def test_tells_addresses_of_this_machine_or_network(url):
    assert "could not open the unsubscribe link" in reaching.only_here(url=url)


@pytest.mark.parametrize("url", ["https://outreach.example.com", "http://203.0.114.9", "https://mail.acme.co.uk:8443"])
def test_lets_public_addresses_pass(url):
    assert reaching.only_here(url=url) == ""


def test_asks_once_a_minute_and_again_when_told(db):
    with server(headers=OURS) as (url, asked):
        assert [reaching.look(url=url), reaching.look(url=url)] == ["", ""]
        assert asked == ["/health"]
        assert reaching.last_look(url=url) == ""
        reaching.look(url=url, again=True)
        assert asked == ["/health"] * 2
    assert reaching.last_look(url="https://elsewhere.example.com") is None


@pytest.fixture
def draft(db, now):
    factories.ProspectFactory()
    return factories.campaign(mailbox=factories.MailboxFactory(verified_at=now))


def fields(campaign):
    return [problem.field for problem in preflight.check(campaign=campaign)]


def test_asks_nothing_of_a_mailbox_whose_mail_stays_here(draft):
    assert fields(draft) == []


def test_refuses_a_launch_whose_links_nobody_could_open(draft):
    Mailbox.objects.update(is_demo=False)
    draft.mailbox.refresh_from_db()
    assert fields(draft) == ["public_address"]


def test_lets_a_launch_pass_whose_address_answers(draft, settings):
    settings.PUBLIC_URL = "https://outreach.example.com"
    Mailbox.objects.update(is_demo=False)
    draft.mailbox.refresh_from_db()
    cache.set(reaching.key(url=settings.PUBLIC_URL), "", 60)
    assert fields(draft) == []
    cache.set(reaching.key(url=settings.PUBLIC_URL), "Nobody answers.", 60)
    assert fields(draft) == ["public_address"]
