"""The SMTP transport against a real server that misbehaves at every stage."""

import json
import socket
import threading
from concurrent import futures

import pytest

from integrations.adapters.smtp import SmtpConnection
from integrations.adapters.smtp_replies import classify, status_of
from integrations.adapters.smtp_transaction import Timeouts
from integrations.ports import CredentialsRefused, Fault, Outcome, Phase, SmtpAccount, Unreachable, Verdict
from outreach.demo.smtp_server import Manner, SmtpServer, Stage
from tests.integrations.certificates import self_signed

MAIL = b"From: a@us.example\r\nTo: b@them.example\r\nSubject: Hello\r\nMessage-ID: <1@us.example>\r\n\r\nHello.\r\n"
QUICK = Timeouts(connect=5, command=0.5, data=0.5, block=2, dot=0.5)


def account(server, **more):
    return SmtpAccount(**{"host": "127.0.0.1", "port": server.port, "security": "none", **more})


def connected(server, **more):
    connection = SmtpConnection(account=account(server, **more), timeouts=QUICK)
    connection.open()
    return connection


def hand_over(connection, recipient="b@them.example", data=MAIL, proceed=lambda: True):
    return connection.send(envelope_from="a@us.example", recipient=recipient, data=data, proceed=proceed)


def at(stage, answer):
    return lambda recipient, message, asked: answer if asked is stage else None


def test_hands_over_many_messages_on_one_connection(tmp_path):
    log = tmp_path / "received.jsonl"
    with SmtpServer(log_path=log) as server:
        connection = connected(server)
        outcomes = [hand_over(connection, recipient=f"p{n}@them.example") for n in range(5)]
        connection.close()
    assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
    assert outcomes[0] == Outcome(Verdict.ACCEPTED, Phase.ACCEPTED, 250, "2.0.0", "250 2.0.0 OK"[4:])
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["recipient"] for line in lines] == [f"p{n}@them.example" for n in range(5)]
    assert lines[0]["message_id"] == "<1@us.example>"
    assert lines[0]["subject"] == "Hello"
    assert lines[0]["sender"] == "a@us.example"


@pytest.mark.parametrize(
    ("stage", "answer", "verdict", "phase", "fault", "stays_open"),
    [
        (Stage.MAIL, "450 4.3.2 later", Verdict.DEFERRED, Phase.MAIL, Fault.SERVER, True),
        (Stage.MAIL, "550 5.1.8 bad sender", Verdict.REFUSED, Phase.MAIL, Fault.MAILBOX, True),
        (Stage.MAIL, "421 4.3.2 closing", Verdict.DEFERRED, Phase.MAIL, Fault.SERVER, False),
        (Stage.MAIL, "nonsense", Verdict.DEFERRED, Phase.MAIL, Fault.SERVER, False),
        (Stage.MAIL, Manner.CLOSE, Verdict.DEFERRED, Phase.MAIL, Fault.SERVER, False),
        (Stage.MAIL, Manner.HANG, Verdict.DEFERRED, Phase.MAIL, Fault.SERVER, False),
        (Stage.RCPT, "451 4.7.1 greylisted", Verdict.DEFERRED, Phase.RCPT, Fault.POLICY, True),
        (Stage.RCPT, "550 5.1.1 no such user", Verdict.REFUSED, Phase.RCPT, Fault.RECIPIENT, True),
        (Stage.RCPT, "550 5.7.26 unauthenticated", Verdict.REFUSED, Phase.RCPT, Fault.POLICY, True),
        (Stage.RCPT, "421 4.7.0 closing", Verdict.DEFERRED, Phase.RCPT, Fault.POLICY, False),
        (Stage.RCPT, Manner.CLOSE, Verdict.DEFERRED, Phase.RCPT, Fault.SERVER, False),
        (Stage.RCPT, Manner.HANG, Verdict.DEFERRED, Phase.RCPT, Fault.SERVER, False),
        (Stage.DATA, "451 4.3.0 later", Verdict.DEFERRED, Phase.DATA, Fault.SERVER, True),
        (Stage.DATA, "554 5.5.1 no valid recipients", Verdict.REFUSED, Phase.DATA, Fault.SERVER, True),
        (Stage.DATA, "250 what?", Verdict.DEFERRED, Phase.DATA, Fault.SERVER, False),
        (Stage.DATA, Manner.CLOSE, Verdict.DEFERRED, Phase.DATA, Fault.SERVER, False),
        (Stage.DATA, Manner.HANG, Verdict.DEFERRED, Phase.DATA, Fault.SERVER, False),
        (Stage.DOT, "451 4.3.0 later", Verdict.DEFERRED, Phase.DOT_SENT, Fault.SERVER, True),
        (Stage.DOT, "421 4.3.0 closing", Verdict.DEFERRED, Phase.DOT_SENT, Fault.SERVER, False),
        (Stage.DOT, "554 5.6.0 spam", Verdict.REFUSED, Phase.DOT_SENT, Fault.CONTENT, True),
        (Stage.DOT, "354 again?", Verdict.UNKNOWN, Phase.DOT_SENT, Fault.SERVER, False),
        (Stage.DOT, "nonsense", Verdict.UNKNOWN, Phase.DOT_SENT, Fault.SERVER, False),
        (Stage.DOT, Manner.CLOSE, Verdict.UNKNOWN, Phase.DOT_SENT, Fault.SERVER, False),
        (Stage.DOT, Manner.HANG, Verdict.UNKNOWN, Phase.DOT_SENT, Fault.SERVER, False),
    ],
)
@pytest.mark.parametrize("pipelining", [True, False])
def test_tells_how_far_it_came_and_whose_fault_it_was(stage, answer, verdict, phase, fault, stays_open, pipelining):
    with SmtpServer(behaviour=at(stage, answer), pipelining=pipelining) as server:
        connection = connected(server)
        outcome = hand_over(connection)
        assert (outcome.verdict, outcome.phase, outcome.fault) == (verdict, phase, fault)
        assert connection.is_open is stays_open
        server.behaviour = None
        connection.open()
        assert hand_over(connection).verdict is Verdict.ACCEPTED
        server.release()


def test_defers_a_message_lost_in_the_middle_of_its_text():
    text = MAIL + b"x" * 70 + b"\r\n"
    with SmtpServer(behaviour=at(Stage.DATA, Manner.DROP)) as server:
        connection = connected(server)
        outcome = hand_over(connection, data=text + (b"y" * 70 + b"\r\n") * 200_000)
        assert (outcome.verdict, outcome.phase) == (Verdict.DEFERRED, Phase.DATA)
        assert not connection.is_open
        assert server.received == []


def test_does_not_send_the_dot_when_the_server_spoke_too_early():
    heard = bytearray()

    def serve(listener):
        peer, _ = listener.accept()
        lines = peer.makefile("rb")
        peer.sendall(b"220 hi\r\n")
        for reply in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n452 4.3.1 disk full\r\n"):
            lines.readline()
            peer.sendall(reply)
        heard.extend(lines.read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        connection = SmtpConnection(account=SmtpAccount("127.0.0.1", listener.getsockname()[1], "none"), timeouts=QUICK)
        connection.open()
        outcome = hand_over(connection)
        thread.join(5)
    assert (outcome.verdict, outcome.phase, outcome.code) == (Verdict.DEFERRED, Phase.DATA, 452)
    assert b"\r\n.\r\n" not in heard


def answered_at_once(replies):
    """What a pipelining server heard after the envelope, to which it says these replies in one write."""
    heard = bytearray()

    def serve(listener):
        peer, _ = listener.accept()
        lines = peer.makefile("rb")
        peer.sendall(b"220 hi\r\n")
        lines.readline()
        peer.sendall(b"250-hi\r\n250 PIPELINING\r\n")
        assert [lines.readline()[:4] for _ in range(3)] == [b"MAIL", b"RCPT", b"DATA"]
        peer.sendall(replies)
        heard.extend(lines.read())

    with socket.create_server(("127.0.0.1", 0)) as listener, futures.ThreadPoolExecutor(1) as pool:
        server = pool.submit(serve, listener)
        connection = SmtpConnection(account=SmtpAccount("127.0.0.1", listener.getsockname()[1], "none"), timeouts=QUICK)
        connection.open()
        outcome = hand_over(connection)
        connection.close()
        server.result(5)
    return outcome, bytes(heard)


def test_says_the_envelope_at_once_to_a_server_that_takes_that():
    outcome, heard = answered_at_once(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert (outcome.verdict, outcome.phase) == (Verdict.UNKNOWN, Phase.DOT_SENT)  # it never answers the dot
    assert heard.startswith(MAIL)


def test_gives_no_text_to_a_server_that_waits_for_one_to_nobody():
    outcome, heard = answered_at_once(b"250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n")
    assert (outcome.verdict, outcome.phase, outcome.fault) == (Verdict.REFUSED, Phase.RCPT, Fault.RECIPIENT)
    assert heard == b""


def test_reads_every_reply_of_a_refused_envelope():
    outcome, heard = answered_at_once(b"550 5.1.8 bad sender\r\n503 first MAIL\r\n503 first MAIL\r\n250 reset\r\n")
    assert (outcome.verdict, outcome.phase, outcome.fault) == (Verdict.REFUSED, Phase.MAIL, Fault.MAILBOX)
    assert heard.startswith(b"RSET\r\n")


def test_withholds_when_told_not_to_go_on_and_hangs_up_as_the_server_waits_for_a_text():
    with SmtpServer() as server:
        connection = connected(server)
        outcome = hand_over(connection, proceed=lambda: False)
        assert (outcome.verdict, outcome.phase) == (Verdict.WITHHELD, Phase.DATA)
        connection.open()
        assert hand_over(connection).verdict is Verdict.ACCEPTED
        assert len(server.received) == 1


def test_asks_whether_to_proceed_only_after_the_recipient_was_accepted():
    asked = []
    with SmtpServer(behaviour=at(Stage.RCPT, "550 5.1.1 no")) as server:
        hand_over(connected(server), proceed=lambda: asked.append(1) or True)
    assert asked == []


def test_hangs_up_when_the_question_itself_fails():
    def fail():
        raise LookupError("the database is away")

    with SmtpServer() as server:
        connection = connected(server)
        with pytest.raises(LookupError):
            hand_over(connection, proceed=fail)
        assert not connection.is_open
        assert server.received == []


def test_stuffs_dots_and_mends_line_ends():
    with SmtpServer() as server:
        hand_over(connected(server), data=b"Subject: x\n\n.\r\n..\nFrom me\r.end")
        assert server.received[0].raw == b"Subject: x\r\n\r\n.\r\n..\r\nFrom me\r\n.end\r\n"


@pytest.mark.parametrize(
    "bad", ["a@x.example\r\nRCPT TO:<c@x.example>", "a\0@x.example", "a@x.example> SIZE=1", "a b@x"]
)
def test_refuses_control_characters_in_an_envelope_address(bad):
    with SmtpServer() as server:
        connection = connected(server)
        with pytest.raises(ValueError, match="envelope address"):
            hand_over(connection, recipient=bad)
        assert hand_over(connection).verdict is Verdict.ACCEPTED


def test_refuses_an_address_the_server_cannot_carry_without_asking_it():
    with SmtpServer(smtputf8=False) as server:
        connection = connected(server)
        outcome = hand_over(connection, recipient="用户@them.example")
        assert (outcome.verdict, outcome.phase, outcome.fault) == (Verdict.REFUSED, Phase.RCPT, Fault.RECIPIENT)
        assert "SMTPUTF8" in outcome.reply
        assert connection.is_open


def test_carries_an_international_address_where_the_server_can():
    with SmtpServer() as server:
        outcome = hand_over(connected(server), recipient="用户@bücher.example")
        assert outcome.verdict is Verdict.ACCEPTED
        assert server.received[0].recipient == "用户@xn--bcher-kva.example"


def test_notices_a_server_that_hung_up_between_two_messages():
    with SmtpServer() as server:
        connection = connected(server)
        server.stop()
        threading.Event().wait(0.2)
        assert not connection.is_open
        outcome = hand_over(connection)
        assert (outcome.verdict, outcome.phase) == (Verdict.DEFERRED, Phase.CONNECT)


def test_notices_what_a_server_said_after_its_answer():
    with SmtpServer(behaviour=at(Stage.DOT, "250 2.0.0 taken\r\n421 4.3.2 going down")) as server:
        connection = connected(server)
        assert hand_over(connection).verdict is Verdict.ACCEPTED
        assert not connection.is_open  # the next message would be told what this one was


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("250-2.0.0 taken\r\n250-by\r\n250 us", Verdict.ACCEPTED),
        ("250", Verdict.ACCEPTED),
        ("250 " + "x" * 8000, Verdict.ACCEPTED),
        ("250 " + "x" * 9000, Verdict.UNKNOWN),  # no reply is that long
        ("250-" + "x" * 9000 + "\r\n250 taken", Verdict.UNKNOWN),
    ],
)
def test_reads_an_answer_of_several_lines_and_of_any_sensible_length(answer, verdict):
    with SmtpServer(behaviour=at(Stage.DOT, answer)) as server:
        connection = connected(server)
        assert hand_over(connection).verdict is verdict
        assert connection.is_open is (verdict is Verdict.ACCEPTED)


def test_raises_nothing_when_the_goodbye_is_rude():
    with SmtpServer(behaviour=at(Stage.QUIT, Manner.CLOSE)) as server:
        connection = connected(server)
        connection.close()
        connection.close()
        assert not connection.is_open


def test_logs_in_and_tells_a_refused_login_from_an_unreachable_server():
    with SmtpServer(users={"me": "sécret"}) as server:
        assert hand_over(connected(server, username="me", password="sécret")).verdict is Verdict.ACCEPTED
        with pytest.raises(CredentialsRefused, match="535") as refused:
            connected(server, username="me", password="wrong-word")
        assert "wrong-word" not in str(refused.value)
        outcome = hand_over(connected(server))
        assert (outcome.code, outcome.fault) == (530, Fault.MAILBOX)
    with pytest.raises(Unreachable, match="No connection"):
        connected(server)


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.EHLO])
@pytest.mark.parametrize("answer", ["421 4.3.2 busy", "554 5.3.2 go away", Manner.CLOSE, Manner.HANG])
def test_cannot_open_where_the_server_does_not_want_to_talk(stage, answer):
    with SmtpServer(behaviour=at(stage, answer)) as server:
        connection = SmtpConnection(account=account(server), timeouts=Timeouts(connect=0.5))
        with pytest.raises(Unreachable):
            connection.open()
        assert not connection.is_open
        server.release()


def test_refuses_a_certificate_nobody_vouches_for(tmp_path):
    context, _ = self_signed(tmp_path)
    with SmtpServer(starttls=context) as server, pytest.raises(Unreachable, match="not trusted"):
        connected(server, security="starttls")
    with SmtpServer(tls=context) as server, pytest.raises(Unreachable, match="not trusted"):
        connected(server, security="tls")


def test_sends_over_tls_with_a_trusted_certificate(tmp_path, monkeypatch):
    context, authority = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with SmtpServer(starttls=context, users={"me": "secret"}) as server:
        connection = connected(server, security="starttls", username="me", password="secret")
        assert [hand_over(connection).verdict for _ in range(3)] == [Verdict.ACCEPTED] * 3
    with SmtpServer(tls=context) as server:
        assert hand_over(connected(server, security="tls")).verdict is Verdict.ACCEPTED


def test_never_falls_back_to_clear_text():
    with SmtpServer() as server, pytest.raises(Unreachable, match="does not offer STARTTLS"):
        connected(server, security="starttls", username="me", password="secret")


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0"])
def test_takes_a_demo_mailbox_nowhere_but_to_loopback(host):
    connection = SmtpConnection(account=SmtpAccount(host, 25, "none", loopback_only=True))
    with pytest.raises(Unreachable, match="only this machine"):
        connection.open()


def test_reaches_loopback_with_a_demo_mailbox():
    with SmtpServer() as server:
        assert hand_over(connected(server, loopback_only=True)).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("phase", "code", "text", "verdict", "fault"),
    [
        (Phase.RCPT, 550, "5.1.1 no such user", Verdict.REFUSED, Fault.RECIPIENT),
        (Phase.RCPT, 550, "5.2.1 disabled", Verdict.REFUSED, Fault.RECIPIENT),
        (Phase.RCPT, 556, "5.1.10 null MX", Verdict.REFUSED, Fault.RECIPIENT),
        (Phase.RCPT, 550, "User unknown in virtual mailbox table", Verdict.REFUSED, Fault.RECIPIENT),
        (Phase.RCPT, 550, "5.0.0 user unknown", Verdict.REFUSED, Fault.RECIPIENT),
        (Phase.RCPT, 552, "5.2.2 mailbox full", Verdict.REFUSED, Fault.SERVER),
        (Phase.RCPT, 550, "mailbox full, quota exceeded", Verdict.REFUSED, Fault.SERVER),
        (Phase.RCPT, 554, "5.7.1 relay access denied", Verdict.REFUSED, Fault.POLICY),
        (Phase.RCPT, 554, "Service unavailable; blocked using bl.example", Verdict.REFUSED, Fault.POLICY),
        (Phase.RCPT, 550, "SPF check failed", Verdict.REFUSED, Fault.POLICY),
        (Phase.RCPT, 450, "4.1.1 not now", Verdict.DEFERRED, Fault.SERVER),
        (Phase.RCPT, 452, "4.2.2 full", Verdict.DEFERRED, Fault.SERVER),
        (Phase.RCPT, 421, "4.7.28 too fast", Verdict.DEFERRED, Fault.POLICY),
        (Phase.MAIL, 530, "5.7.0 log in first", Verdict.REFUSED, Fault.MAILBOX),
        (Phase.MAIL, 553, "not your address", Verdict.REFUSED, Fault.MAILBOX),
        (Phase.DATA, 503, "bad sequence", Verdict.REFUSED, Fault.SERVER),
        (Phase.DOT_SENT, 550, "5.7.515 access denied", Verdict.REFUSED, Fault.POLICY),
        (Phase.DOT_SENT, 554, "message not accepted", Verdict.REFUSED, Fault.CONTENT),
        (Phase.DOT_SENT, 552, "5.3.4 too big", Verdict.REFUSED, Fault.CONTENT),
        (Phase.DOT_SENT, 550, "5.1.1 unknown user", Verdict.REFUSED, Fault.RECIPIENT),
        (Phase.DOT_SENT, 250, "2.0.0 queued", Verdict.ACCEPTED, Fault.NONE),
        (Phase.DOT_SENT, 0, "", Verdict.UNKNOWN, Fault.SERVER),
        (Phase.DATA, 0, "", Verdict.DEFERRED, Fault.SERVER),
        (Phase.AUTH, 535, "5.7.8 wrong", Verdict.REFUSED, Fault.MAILBOX),
    ],
)
def test_classifies_what_a_server_says(phase, code, text, verdict, fault):
    outcome = classify(phase=phase, code=code, status=status_of(text), text=text)
    assert (outcome.verdict, outcome.fault) == (verdict, fault)
