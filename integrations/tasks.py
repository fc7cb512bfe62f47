"""What beat wakes to look into mailboxes."""

from typing import Any

from celery import shared_task

from integrations import polling


@shared_task
def poll(**kwargs: Any) -> None:
    """Wakes one worker for each mailbox to be looked into."""
    for mailbox_id in polling.due():
        poll_mailbox.apply_async(args=(mailbox_id,), expires=30)


@shared_task
def poll_mailbox(mailbox_id: int, **kwargs: Any) -> None:
    """Stores the new mail of one mailbox."""
    polling.poll_if_due(mailbox_id=mailbox_id)
