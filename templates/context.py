"""What a message may say: the names of the variables. `campaigns.composing` fills them with plain strings."""

from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "first_name": "The prospect's first name",
    "last_name": "The prospect's last name",
    "full_name": "First and last name, whichever there are",
    "company": "The prospect's company",
    "job_title": "What the prospect does there",
    "website": "The address of the prospect's website",
    "site": "The prospect's site by its domain, such as example.com",
    "country": "The prospect's country",
    "program": "The affiliate program's name",
    "merchant": "The merchant behind the program",
    "program_website": "The address of the program's website",
    "sender_name": "The name the mail comes from",
    "sender_address": "The address the mail comes from",
    "postal_address": "The sender's postal address (CAN-SPAM section 5)",
    "unsubscribe_url": "This person's own link to unsubscribe",
}
CUSTOM = "custom"  # custom.<name>: any custom field of the prospect


def is_known(name: str) -> bool:
    """Whether a template may use the variable; every `custom.<name>` may be used."""
    root, dot, rest = name.partition(".")
    return name in VARIABLES or (root == CUSTOM and bool(dot and rest))
