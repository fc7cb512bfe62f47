"""Mails that come back, as other programs write them."""

from email.message import EmailMessage


def reply(to, *, sender, text="Sounds good, tell me more.", subject="Re: Hello", message_id=None, **headers):
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to.mailbox.from_address
    mail["Subject"] = subject
    mail["Date"] = "Wed, 04 Mar 2026 12:30:00 +0000"
    mail["Message-ID"] = message_id or f"<{abs(hash((sender, text, subject)))}@their.example>"
    if to.message_id:
        mail["In-Reply-To"] = to.message_id
        mail["References"] = to.message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def out_of_office(to, *, sender):
    return reply(
        to,
        sender=sender,
        subject="Automatic reply: Hello",
        text="I am out of office until 2026-03-20.",
        Auto_Submitted="auto-replied",
    )


def bounce(message_id, *, recipient, status="5.1.1", action="failed", code="550 5.1.1 no such user"):
    """A delivery report as RFC 3464 has it."""
    return (
        "From: MAILER-DAEMON@their.example\r\n"
        "To: us@outreach.example\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <dsn-{abs(hash((message_id, status, action)))}@their.example>\r\n"
        "Date: Wed, 04 Mar 2026 12:31:00 +0000\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.their.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; {code}\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {message_id}\r\nSubject: Hello\r\n\r\n"
        "--b--\r\n"
    ).encode()
