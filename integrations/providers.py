"""Where the mail servers of well-known providers are, and what their users must know."""

from dataclasses import dataclass

from integrations.models.mailbox import Security, Service


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider's mailboxes are reached; `hint` says what most people trip over."""

    slug: str
    name: str
    smtp_host: str
    imap_host: str
    hint: str
    smtp_port: int = 587
    smtp_security: str = Security.STARTTLS
    imap_port: int = 993
    imap_security: str = Security.TLS
    service: str = Service.SMTP


APP_ONLY = "It takes an app password, not the one you sign in with"
PROVIDERS = (
    Provider(
        "gmail",
        "Gmail",
        "smtp.gmail.com",
        "imap.gmail.com",
        f"{APP_ONLY}: Google account › Security › 2-Step Verification › App passwords.",
    ),
    Provider(
        "workspace",
        "Google Workspace",
        "smtp.gmail.com",
        "imap.gmail.com",
        f"{APP_ONLY}: Google account › Security › 2-Step Verification › App passwords. Your administrator may have "
        "to allow IMAP first.",
    ),
    Provider(
        "microsoft",
        "Microsoft 365",
        "smtp.office365.com",
        "outlook.office365.com",
        "Microsoft has closed most of its mailboxes to passwords. If the check says that the login is refused, no "
        "other password helps: use a mailbox of another provider.",
    ),
    Provider(
        "fastmail",
        "Fastmail",
        "smtp.fastmail.com",
        "imap.fastmail.com",
        f"{APP_ONLY}: Settings › Privacy & Security › App passwords, for mail (IMAP and SMTP).",
        smtp_port=465,
        smtp_security=Security.TLS,
    ),
    Provider(
        "zoho",
        "Zoho Mail",
        "smtp.zoho.com",
        "imap.zoho.com",
        "Turn on IMAP access in Zoho's mail settings. With an account in Europe the servers end in .eu; with a domain "
        "of your own they are smtppro and imappro. With two-factor sign-in it takes an app password.",
        smtp_port=465,
        smtp_security=Security.TLS,
    ),
    Provider(
        "ionos",
        "IONOS",
        "smtp.ionos.com",
        "imap.ionos.com",
        "The password is the mailbox's own, not that of your customer account. In Germany the servers end in .de.",
        smtp_port=465,
        smtp_security=Security.TLS,
    ),
)
SENDS_ONLY = (
    "It only sends. Answers come to the mailbox of the address, which you name below with its own login. "
    "Make a key that may send and nothing else."
)
SERVICES = tuple(
    Provider(slug, Service(slug).label, "", "", SENDS_ONLY, service=slug)
    for slug in (Service.RESEND, Service.BREVO, Service.POSTMARK)
)
BY_SLUG = {provider.slug: provider for provider in (*PROVIDERS, *SERVICES)}
