"""Rules over all campaigns: how often people and sites are written to, and in which countries."""

from django.db import models
from django.db.models import Q


class TouchRules(models.Model):
    """A single row, which the gate reads at every mark; without it nothing is ruled.

    `person_days` are at least between any two touches of a person, `site_days` between touches of different people of
    a site; 0 is no rule. Whoever a campaign began with first stays with it (`exclusive`) until that way ends.
    """

    class Exclusive(models.TextChoices):
        NONE = "none", "May be in several campaigns at once"
        PERSON = "person", "Each person in one campaign at a time"
        SITE = "site", "Each site in one campaign at a time"

    class SiteReply(models.TextChoices):
        NOTHING = "nothing", "Nothing: the others go on"
        HOLD = "hold", "The others wait for some days"
        STOP = "stop", "The others get nothing more"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    person_days = models.PositiveSmallIntegerField(default=0)
    site_days = models.PositiveSmallIntegerField(default=0)
    exclusive = models.CharField(max_length=10, choices=Exclusive, default=Exclusive.NONE)
    site_reply = models.CharField(max_length=10, choices=SiteReply, default=SiteReply.NOTHING)
    site_reply_days = models.PositiveSmallIntegerField(default=14)

    class Meta:
        verbose_name = verbose_name_plural = "touch rules"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="touch_rules_is_one_row"),
            models.CheckConstraint(
                condition=Q(exclusive__in=["none", "person", "site"]), name="touch_rules_exclusive_is_known"
            ),
            models.CheckConstraint(
                condition=Q(site_reply__in=["nothing", "hold", "stop"]), name="touch_rules_site_reply_is_known"
            ),
        ]

    def __str__(self) -> str:
        return "touch rules"


class CountryRule(models.Model):
    """Whether people of a country may be written to; without a row they may."""

    class Rule(models.TextChoices):
        ALLOWED = "allowed", "Mail is allowed"
        TASK = "task", "Only a person's own message"
        NEVER = "never", "Never"

    country = models.CharField(max_length=2, unique=True, help_text="ISO 3166-1 alpha-2")
    rule = models.CharField(max_length=10, choices=Rule)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rule__in=["task", "never"]), name="country_rule_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.country}: {self.get_rule_display()}"
