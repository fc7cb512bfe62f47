"""The form of a mailbox: who it is from, sending, receiving, how fast."""

from typing import Any

from django import forms

from integrations.models import Mailbox
from integrations.models.mailbox import MOST_CONNECTIONS, Security, Service
from integrations.providers import Provider

GROUPS = {
    "who": ("from_name", "from_address", "name"),
    "login": ("smtp_username", "smtp_password", "service_key"),
    "sending": ("smtp_host", "smtp_port", "smtp_security"),
    "receiving": ("imap_host", "imap_port", "imap_security", "imap_username", "imap_password", "imap_folder"),
    "pace": ("daily_cap", "gap_seconds", "domain_cap", "connections"),
    "warm_up": ("ramp_start", "ramp_step", "ramp_from"),
}
SECRETS = ("smtp_password", "imap_password", "service_key")
SERVERS = ("smtp_host", "smtp_port", "smtp_security", "imap_host", "imap_port", "imap_security")


def _secret(help_text: str = "", **options: Any) -> forms.CharField:
    """A password: never shown again."""
    widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})
    return forms.CharField(required=False, strip=False, widget=widget, help_text=help_text, **options)


def _port(label: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=65_535)


class MailboxForm(forms.Form):
    """For a new mailbox, with a provider's servers filled in, or for one that is there already."""

    from_name = forms.CharField(label="Name of the sender", max_length=100, help_text="As people will see it.")
    from_address = forms.EmailField(label="Address", max_length=254)
    name = forms.CharField(
        label="What you call it here", max_length=100, required=False, help_text="Left empty, it is the address."
    )
    smtp_username = forms.CharField(
        label="User name", max_length=255, required=False, help_text="Nearly always the full address."
    )
    smtp_password = _secret(label="Password")
    service_key = _secret(label="Key", error_messages={"required": "The service asks for a key."})
    smtp_host = forms.CharField(label="Sending server (SMTP)", max_length=255)
    smtp_port = _port("Port")
    smtp_security = forms.ChoiceField(label="Encryption", choices=Security.choices)
    imap_host = forms.CharField(label="Receiving server (IMAP)", max_length=255)
    imap_port = _port("Port")
    imap_security = forms.ChoiceField(label="Encryption", choices=Security.choices)
    imap_username = forms.CharField(label="User name for receiving", max_length=255, required=False)
    imap_password = _secret(label="Password for receiving")
    imap_folder = forms.CharField(label="Folder", max_length=100, help_text="Where answers arrive.")
    daily_cap = forms.IntegerField(
        label="At most a day",
        min_value=0,
        max_value=100_000,
        help_text="Mails in one day (UTC). A new mailbox does best with 20 to 50.",
    )
    gap_seconds = forms.IntegerField(
        label="Seconds between two mails", min_value=0, max_value=86_400, help_text="People do not write every second."
    )
    domain_cap = forms.IntegerField(
        label="At most a day to one domain",
        min_value=1,
        max_value=100_000,
        required=False,
        help_text="Such as gmail.com. Left empty, there is no limit.",
    )
    ramp_start = forms.IntegerField(
        label="On the first day",
        min_value=1,
        max_value=100_000,
        required=False,
        help_text="Left empty, there is no warm-up.",
    )
    ramp_step = forms.IntegerField(label="More on each day", min_value=1, max_value=100_000, required=False)
    ramp_from = forms.DateField(
        label="The first day", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="UTC."
    )
    connections = forms.IntegerField(
        label="Connections at once",
        min_value=1,
        max_value=MOST_CONNECTIONS,
        required=False,
        help_text="1, but for a relay that takes several; it counts without seconds between two mails.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        mailbox: Mailbox | None = None,
        provider: Provider | None = None,
        from_name: str = "",
    ) -> None:
        self.mailbox = mailbox
        self.provider = provider
        self.service = mailbox.service if mailbox else provider.service if provider else Service.SMTP
        super().__init__(data, initial=self._first(from_name))
        self._leave_out()
        if self.has_service:
            self.fields["service_key"].required = mailbox is None
        elif provider:
            password = self.fields["smtp_password"]
            password.required, password.error_messages["required"] = True, f"{provider.name} asks for a password."
        if mailbox:
            for name in self.fields.keys() & set(SECRETS):
                self.fields[name].help_text = "Not shown. Left empty, it stays as it is."
        elif not self.has_service:
            self.fields["imap_username"].help_text = "Left empty, it is the same as for sending."
            self.fields["imap_password"].help_text = "Left empty, it is the same as for sending."

    @property
    def has_service(self) -> bool:
        """Whether its mail leaves by a service with a key instead of a mail server."""
        return bool(self.service != Service.SMTP)

    def _leave_out(self) -> None:
        """Either a mail server's fields or a service's."""
        for name in list(self.fields):
            if name.startswith("smtp_") if self.has_service else name == "service_key":
                del self.fields[name]

    def _first(self, from_name: str) -> dict[str, Any]:
        names = [name for group in GROUPS.values() for name in group if name not in SECRETS]
        first = {name: getattr(self.mailbox or Mailbox(), name) for name in names}
        if self.mailbox:
            return first
        preset = {name: getattr(self.provider, name) for name in SERVERS} if self.provider else {}
        return {**first, **preset, "from_name": from_name}

    def who(self) -> list[forms.BoundField]:
        """Who the mail is from."""
        return self._group("who")

    def login(self) -> list[forms.BoundField]:
        """How to sign in."""
        return self._group("login")

    def sending(self) -> list[forms.BoundField]:
        """The server that mail leaves by."""
        return self._group("sending")

    def receiving(self) -> list[forms.BoundField]:
        """The server that answers come to."""
        return self._group("receiving")

    def pace(self) -> list[forms.BoundField]:
        """How fast it sends."""
        return self._group("pace")

    def warm_up(self) -> list[forms.BoundField]:
        """How it grows to that."""
        return self._group("warm_up")

    def _group(self, name: str) -> list[forms.BoundField]:
        return [self[field] for field in GROUPS[name] if field in self.fields]

    @property
    def has_server_errors(self) -> bool:
        """Whether something is wrong in the part that a provider's choice folds away."""
        return any(field.errors for field in (*self.sending(), *self.receiving()))

    def clean_from_address(self) -> str:
        """Refuses the address of another mailbox."""
        address: str = self.cleaned_data["from_address"]
        others = Mailbox.objects.filter(from_address__iexact=address)
        if self.mailbox:
            others = others.exclude(pk=self.mailbox.pk)
        if others.exists():
            raise forms.ValidationError("There is a mailbox with this address already.")
        return address

    def clean(self) -> dict[str, Any]:
        """Fills in what may be left empty; an empty password of a known mailbox is no change."""
        cleaned: dict[str, Any] = super().clean() or {}
        address = cleaned.get("from_address", "")
        cleaned["name"] = cleaned.get("name") or address[:100]
        cleaned["service"] = self.service
        cleaned["connections"] = cleaned.get("connections") or 1
        if self.provider and not self.has_service:
            cleaned["smtp_username"] = cleaned.get("smtp_username") or address
        cleaned["imap_username"] = cleaned.get("imap_username") or cleaned.get("smtp_username") or address
        same_login = self.mailbox is None or self.mailbox.imap_password == self.mailbox.smtp_password
        if same_login and not self.has_service:
            cleaned["imap_password"] = cleaned.get("imap_password") or cleaned.get("smtp_password")
        if self.mailbox:
            for name in SECRETS:
                if not cleaned.get(name):
                    cleaned.pop(name, None)
        return cleaned
