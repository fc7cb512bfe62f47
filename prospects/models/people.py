"""Programs, sites and the people behind them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
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
    protected_at = models.DateTimeField(null=True, blank=True, help_text="Nobody there is planned: ask the owner first")
    answered_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When somebody there last answered; business time"
    )
    is_to_research = models.BooleanField(
        default=False, db_default=False, help_text="Imported without a person: somebody there is still to be found"
    )
    source = models.CharField(max_length=200, blank=True, db_default="")
    import_batch = models.ForeignKey(
        "prospects.ImportBatch", null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(held_at__isnull=False), name="site_held"),
            models.Index(fields=["id"], condition=Q(is_to_research=True), name="site_to_research"),
            models.Index(fields=["id"], condition=Q(protected_at__isnull=False), name="site_protected"),
        ]

    def __str__(self) -> str:
        return self.domain


def searchable() -> Combinable:
    """What a search for people looks in, upper-cased: one text, so that one index serves it."""
    names = (F(name) for name in ("first_name", "last_name", "company", "email", "x_handle"))
    return Upper(Concat(*(part for name in names for part in (name, Value(" ")))))


def full_name(first: str, last: str) -> str:
    """First and last name, whichever there are."""
    return f"{first} {last}" if first and last else first or last


class People(models.QuerySet["Prospect"]):
    """Questions about prospects that every list asks."""

    def present(self) -> "People":
        """Without those who were merged into another and those who were erased."""
        return self.filter(person=None, erased_at=None)


class Prospect(PublicModel):
    """A person or creator who could promote a product.

    `identity_key` is the keyed hash of the folded address (of a handle, where there is no address): two rows with the
    same key are the same person. `contact_keys` are all keys a suppression can name this person by. A row with
    `person` is a tombstone: it was merged into that row. One with `erased_at` says nothing about anybody any more.
    """

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        CREATOR = "creator", "Creator"

    class AddressKind(models.TextChoices):
        PERSONAL = "", "A person's"
        ROLE = "role", "A role's, such as info@"
        DISPOSABLE = "disposable", "Disposable"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PERSON)
    person = models.ForeignKey(
        "self", null=True, editable=False, db_index=False, on_delete=models.PROTECT, related_name="+"
    )
    erased_at = models.DateTimeField(null=True, editable=False)
    email = models.CharField(max_length=254, blank=True)
    address_kind = models.CharField(max_length=10, choices=AddressKind, blank=True, default="", db_default="")
    identity_key = models.CharField(max_length=64, null=True, editable=False)
    contact_keys = ArrayField(models.CharField(max_length=300), default=list, editable=False)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    company = models.CharField(max_length=200, blank=True)
    job_title = models.CharField(max_length=200, blank=True)
    website = models.CharField(max_length=500, blank=True)
    site = models.ForeignKey(
        Site,
        null=True,
        blank=True,
        db_constraint=False,  # checked by statement, not by row: migration 0009
        on_delete=models.PROTECT,
        related_name="prospects",
    )
    x_handle = models.CharField(max_length=50, blank=True)
    linkedin_url = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1 alpha-2")
    time_zone = models.CharField(max_length=64, blank=True, help_text="IANA name")
    language = models.CharField(max_length=10, blank=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    custom = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, db_index=False, on_delete=models.SET_NULL, related_name="+"
    )
    source = models.CharField(max_length=200, blank=True, help_text="Where we know this person from")
    legal_basis = models.CharField(max_length=100, blank=True)
    notice_date = models.DateField(null=True, blank=True, help_text="When they were told what we hold (GDPR Art. 14)")
    contacted_elsewhere_at = models.DateTimeField(
        null=True, blank=True, help_text="Last written to outside Outreach; a campaign waits after it"
    )
    next_step = models.CharField(max_length=200, blank=True, db_default="")
    next_step_date = models.DateField(null=True, blank=True)
    import_batch = models.ForeignKey(
        "prospects.ImportBatch",
        null=True,
        editable=False,
        db_index=False,
        db_constraint=False,  # a check per row costs more than all the rest of adding it
        on_delete=models.DO_NOTHING,
        related_name="+",
    )
    is_demo = models.BooleanField(default=False)

    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Never written to again; database time")
    stop_reason = models.CharField(max_length=200, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    hold_reason = models.CharField(max_length=200, blank=True)
    protected_at = models.DateTimeField(null=True, blank=True, help_text="Not planned: ask the owner first")

    objects = People.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identity_key"], condition=Q(identity_key__isnull=False), name="prospect_identity_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=["person", "creator"]), name="prospect_kind_is_known"),
            models.CheckConstraint(
                condition=Q(email="") | Q(identity_key__isnull=False), name="prospect_address_has_key"
            ),
            models.CheckConstraint(
                condition=Q(address_kind__in=["", "role", "disposable"]), name="prospect_address_kind_is_known"
            ),
        ]
        indexes = [
            GinIndex(fields=["tags"], name="prospect_tags"),
            # Asked before every send: never through a list of what is not sorted in yet.
            GinIndex(fields=["contact_keys"], fastupdate=False, name="prospect_contact_keys"),
            models.Index(F("country"), F("id"), name="prospect_country"),
            models.Index(Upper("source"), F("id").desc(), name="prospect_source_folded"),
            models.Index(fields=["owner", "-id"], name="prospect_owner"),
            models.Index(fields=["id"], condition=Q(held_at__isnull=False), name="prospect_held"),
            models.Index(fields=["id"], condition=Q(stopped_at__isnull=False), name="prospect_stopped"),
            models.Index(fields=["id"], condition=Q(is_demo=True), name="prospect_demo"),
            models.Index(fields=["id"], condition=Q(email=""), name="prospect_no_address"),
            models.Index(fields=["id"], condition=Q(protected_at__isnull=False), name="prospect_protected"),
            models.Index(
                fields=["contacted_elsewhere_at"],
                condition=Q(contacted_elsewhere_at__isnull=False),
                name="prospect_elsewhere",
            ),
            BrinIndex(fields=["created_at"], pages_per_range=32, name="prospect_created"),
            models.Index(fields=["person"], condition=Q(person__isnull=False), name="prospect_merged"),
            models.Index(
                fields=["import_batch", "-id"], condition=Q(import_batch__isnull=False), name="prospect_of_batch"
            ),
            models.Index(fields=["next_step_date"], condition=Q(next_step_date__isnull=False), name="prospect_due"),
            GinIndex(OpClass(searchable(), name="gin_trgm_ops"), name="prospect_search"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email or str(self.public_id)

    @property
    def full_name(self) -> str:
        """First and last name, whichever there are."""
        return full_name(self.first_name, self.last_name)
