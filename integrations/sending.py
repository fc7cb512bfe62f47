"""A mailbox's accounts, what its mail leaves by, and the check that all of it works."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from integrations import outages
from integrations.adapters import imap
from integrations.adapters.smtp import SmtpConnection
from integrations.models import Mailbox
from integrations.models.mailbox import Service
from integrations.ports import ImapAccount, IntegrationError, ServiceAccount, SmtpAccount, Transport

if TYPE_CHECKING:
    from integrations.adapters.http_service import ServiceConnection


def transport(mailbox: Mailbox) -> Transport:
    """What this mailbox's mail leaves by, not open yet."""
    if mailbox.service == Service.SMTP:
        return SmtpConnection(account=smtp_account(mailbox))
    return _service(mailbox)


def smtp_account(mailbox: Mailbox) -> SmtpAccount:
    """How this mailbox's mail leaves. A demo mailbox reaches loopback only."""
    return SmtpAccount(
        host=mailbox.smtp_host,
        port=mailbox.smtp_port,
        security=mailbox.smtp_security,
        username=mailbox.smtp_username,
        password=mailbox.smtp_password,
        loopback_only=mailbox.is_demo,
    )


def _service(mailbox: Mailbox) -> "ServiceConnection":
    """Found by its name: the modules for HTTP take 6 MB, which nobody needs who sends by SMTP alone."""
    known: type[ServiceConnection] = import_string("integrations.adapters.http_service.ServiceConnection")
    return known(account=service_account(mailbox))


def service_account(mailbox: Mailbox) -> ServiceAccount:
    """The mailbox's key at the service that sends for it. A demo mailbox reaches loopback only."""
    return ServiceAccount(service=mailbox.service, key=mailbox.service_key, loopback_only=mailbox.is_demo)


def imap_account(mailbox: Mailbox) -> ImapAccount:
    """How this mailbox's answers are read. A demo mailbox reaches loopback only."""
    return ImapAccount(
        host=mailbox.imap_host,
        port=mailbox.imap_port,
        security=mailbox.imap_security,
        username=mailbox.imap_username,
        password=mailbox.imap_password,
        folder=mailbox.imap_folder,
        loopback_only=mailbox.is_demo,
    )


def check(*, mailbox: Mailbox, now: datetime) -> list[str]:
    """Logs in to both servers, sends nothing, and says what is wrong, a sentence each; none sets `verified_at`.

    Also looks whether the Sent folder holds copies of our mails, which begin their unsubscribe link with PUBLIC_URL.
    """
    wrong = []
    try:
        _check_sending(mailbox)
        outages.over(mailbox=mailbox)
    except IntegrationError as error:
        wrong.append(f"Sending: {error}")
    holds_copies = False
    try:
        holds_copies = imap.check(imap_account(mailbox), mark=settings.PUBLIC_URL)
    except IntegrationError as error:
        wrong.append(f"Receiving: {error}")
    if not wrong:
        mailbox.verified_at = now
        mailbox.copies_seen_at = now if holds_copies else mailbox.copies_seen_at
        mailbox.save(update_fields=["verified_at", "copies_seen_at"])
    return wrong


def _check_sending(mailbox: Mailbox) -> None:
    if mailbox.service != Service.SMTP:
        _service(mailbox).check()
        return
    connection = SmtpConnection(account=smtp_account(mailbox))
    try:
        connection.open()
    finally:
        connection.close()


def put_in_inbox(*, mailbox: Mailbox, raw: bytes) -> None:
    """A practice mailbox gets a mail as if somebody had written to it. Raises IntegrationError in words."""
    if not mailbox.is_demo:
        raise IntegrationError("Only a practice mailbox takes invented answers.")
    imap.append(imap_account(mailbox), raw)
