"""Programs, sites and the people behind them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Upper

from outreach.lib.models import PublicModel


class Program(PublicModel):
    """An affiliate program: one merchant in one market, and who the mail legally comes from."""

    name = models.CharField(max_length=100, unique=True)
    merchant = models.CharField(max_length=200, blank=True)
    website = models.URLField(blank=True)
    postal_address = models.TextField(blank=True, help_text="Stands in every commercial mail (CAN-SPAM section 5)")

    def __str__(self) -> str:
        return self.name


class Site(PublicModel):
    """A website, known by its registrable domain; several people may belong to it."""

    domain = models.CharField(max_length=253, unique=True)
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Nobody of this site is written to again")
    held_at = models.DateTimeField(null=True, blank=True)
    hold_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(held_at__isnull=False), name="site_held")]

    def __str__(self) -> str:
        return self.domain


def searchable() -> Combinable:
    """What a search for people looks in, upper-cased: one text, so that one index serves it."""
    names = (F(name) for name in ("first_name", "last_name", "company", "email", "x_handle"))
    return Upper(Concat(*(part for name in names for part in (name, Value(" ")))))


class Prospect(PublicModel):
    """A person or creator who could promote a product.

    `identity_key` is the keyed hash of the folded address: two rows with the same key are the same person.
    `contact_keys` are all keys a suppression can name this person by.
    """

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        CREATOR = "creator", "Creator"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PERSON)
    email = models.CharField(max_length=254, blank=True)
    identity_key = models.CharField(max_length=64, null=True, editable=False)
    contact_keys = ArrayField(models.CharField(max_length=300), default=list, editable=False)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    company = models.CharField(max_length=200, blank=True)
    job_title = models.CharField(max_length=200, blank=True)
    website = models.CharField(max_length=500, blank=True)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="prospects")
    x_handle = models.CharField(max_length=50, blank=True)
    linkedin_url = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2")
    time_zone = models.CharField(max_length=64, blank=True, help_text="IANA name")
    language = models.CharField(max_length=10, blank=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    source = models.CharField(max_length=200, blank=True, help_text="Where we know this person from")
    legal_basis = models.CharField(max_length=100, blank=True)
    is_demo = models.BooleanField(default=False)

    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Never written to again; database time")
    stop_reason = models.CharField(max_length=200, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    hold_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity_key"], condition=Q(identity_key__isnull=False), name="prospect_identity_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=["person", "creator"]), name="prospect_kind_is_known"),
            models.CheckConstraint(
                condition=Q(email="") | Q(identity_key__isnull=False), name="prospect_address_has_key"
            ),
        ]
        indexes = [
            GinIndex(fields=["tags"], name="prospect_tags"),
            GinIndex(fields=["contact_keys"], name="prospect_contact_keys"),
            models.Index(F("country"), F("id"), name="prospect_country"),
            models.Index(fields=["source", "-id"], name="prospect_source"),
            models.Index(fields=["owner", "-id"], name="prospect_owner"),
            models.Index(fields=["id"], condition=Q(held_at__isnull=False), name="prospect_held"),
            models.Index(fields=["id"], condition=Q(stopped_at__isnull=False), name="prospect_stopped"),
            models.Index(fields=["id"], condition=Q(is_demo=True), name="prospect_demo"),
            GinIndex(OpClass(searchable(), name="gin_trgm_ops"), name="prospect_search"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email or str(self.public_id)

    @property
    def full_name(self) -> str:
        """First and last name, whichever there are."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


class Note(PublicModel):
    """What somebody here wrote down about a person."""

    prospect = models.ForeignKey(Prospect, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["prospect", "-id"], name="note_prospect")]

    def __str__(self) -> str:
        return self.text[:50]
