"""How campaigns, steps and the verbs' answers look outside."""

from typing import Any

from rest_framework import serializers

from campaigns.forecast import attrition
from campaigns.models import Campaign, Step
from campaigns.models.campaign import DelayUnit
from integrations.models import Mailbox
from outreach.lib.endpoints import PublicIdField, StrictModelSerializer, StrictSerializer
from prospects.models import Program, Prospect, Segment, Suppression
from templates.models import Template, TemplateVersion

MOST_PEOPLE = 10_000


class CampaignSerializer(StrictModelSerializer[Campaign]):
    program = PublicIdField(queryset=Program.objects.all())
    segment = PublicIdField(queryset=Segment.objects.all())
    mailbox = PublicIdField(queryset=Mailbox.objects.all())
    more_mailboxes = PublicIdField(
        queryset=Mailbox.objects.all(),
        many=True,
        required=False,
        help_text="Beside `mailbox`; all of them share the people",
    )

    class Meta:
        model = Campaign
        fields = [
            "id",
            "name",
            "program",
            "segment",
            "mailbox",
            "more_mailboxes",
            "daily_limit",
            "time_zone",
            "skip_holidays",
            "quiet_dates",
            "goals",
            "one_per_site",
            "audience_is_live",
            "live_daily_cap",
            "first_batch",
            "released_at",
            "state",
            "state_reason",
            "is_demo",
            "launched_at",
            "created_at",
        ]
        read_only_fields = ["first_batch", "released_at", "state", "state_reason", "is_demo", "launched_at"]


class StepSerializer(StrictModelSerializer[Step]):
    """Expects `arms` with template version and template prefetched. Text that is still a draft has no template."""

    template = serializers.SerializerMethodField()
    template_version = serializers.SerializerMethodField()

    class Meta:
        model = Step
        fields = [
            "id",
            "key",
            "position",
            "channel",
            "delay",
            "delay_unit",
            "window_start",
            "window_end",
            "weekdays",
            "condition",
            "needs_approval",
            "template",
            "template_version",
        ]
        read_only_fields = fields

    def get_template(self, step: Step) -> str | None:
        return next((str(arm.template_version.template.public_id) for arm in step.arms.all()), None)

    def get_template_version(self, step: Step) -> str | None:
        return next((str(arm.template_version.public_id) for arm in step.arms.all()), None)


class StepCreateSerializer(StrictSerializer):
    """A delay counts from the hand-over of the step before; the window is in the prospect's time zone."""

    template = PublicIdField(queryset=Template.objects.all())
    delay = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    delay_unit = serializers.ChoiceField(choices=DelayUnit.choices, required=False)
    window_start = serializers.TimeField(required=False)
    window_end = serializers.TimeField(required=False, help_text="00:00 is midnight at the end of the day")
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), required=False, help_text="ISO: 1 is Monday"
    )
    condition = serializers.JSONField(required=False, help_text="A segment's rule; whoever is not in it skips the step")
    needs_approval = serializers.BooleanField(required=False)

    def validate_template(self, template: Template) -> Template:
        """Raises ValidationError for a template that says nothing yet."""
        if not template.versions.exists():
            raise serializers.ValidationError("Nothing was published under this template yet.")
        return template


class ForecastSerializer(serializers.Serializer[Any]):
    """What a campaign would do from `made_at` on; the days are UTC, the longest forecast is five years."""

    class ForecastDaySerializer(serializers.Serializer[Any]):
        day = serializers.DateField()
        all = serializers.IntegerField(help_text="Messages")
        mailboxes = serializers.DictField(child=serializers.IntegerField(), help_text="Messages by a mailbox's id")

    class ForecastSlotSerializer(serializers.Serializer[Any]):
        at = serializers.DateTimeField()
        prospect = serializers.UUIDField()
        step = serializers.IntegerField(help_text="Its position, from 1")
        mailbox = serializers.UUIDField()

    made_at = serializers.DateTimeField()
    people = serializers.IntegerField(help_text="Who gets at least one more message")
    waiting = serializers.IntegerField(help_text="Who gets none until somebody does something about it")
    messages = serializers.IntegerField()
    ends_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last one leaves; empty: never, or too late"
    )
    is_endless = serializers.BooleanField(help_text="Whether it does not end within five years")
    leaving = serializers.FloatField(help_text="The share of people who get no more after their first message")
    leaving_later = serializers.FloatField(help_text="The same after each later message")
    leaving_from = serializers.ChoiceField(
        choices=[attrition.SEEN, attrition.BEFORE, attrition.GUESS],
        help_text="Where that is known from: this campaign so far, earlier ones, or nowhere",
    )
    ends_as_seen_at = serializers.DateTimeField(allow_null=True, help_text="When the last one leaves if so many stop")
    bottleneck = serializers.CharField(help_text="What holds it up, and what would help, in words")
    assumptions = serializers.ListField(child=serializers.CharField())
    days = ForecastDaySerializer(many=True)
    first = ForecastSlotSerializer(many=True, help_text="The first 50 messages")


class ForecastPendingSerializer(serializers.Serializer[Any]):
    """It takes too long for one answer, and was begun: ask again in a few seconds."""

    is_ready = serializers.BooleanField(default=False)


class PreflightSerializer(serializers.Serializer[Any]):
    """A problem keeps the campaign from its launch, a warning does not."""

    class PreflightProblemSerializer(serializers.Serializer[Any]):
        field = serializers.CharField()
        message = serializers.CharField()

    class PreflightWarningSerializer(PreflightProblemSerializer):
        people = serializers.IntegerField(help_text="How many it is about; more where the message says so")

    ready = serializers.BooleanField()
    problems = PreflightProblemSerializer(many=True)
    warnings = PreflightWarningSerializer(many=True)


class CorrectionSerializer(StrictSerializer):
    version = PublicIdField(queryset=TemplateVersion.objects.all())
    text = serializers.CharField(trim_whitespace=False)


class LaunchSerializer(StrictSerializer):
    first_batch = serializers.IntegerField(
        min_value=1,
        required=False,
        allow_null=True,
        help_text="So many get their first message; the others wait for `release`",
    )


class EnrolledSerializer(serializers.Serializer[Any]):
    enrolled = serializers.IntegerField(help_text="New in the campaign by this request")


class EnrollSerializer(StrictSerializer):
    """Either people or a segment."""

    prospects = serializers.ListField(
        child=serializers.UUIDField(), required=False, allow_empty=False, max_length=MOST_PEOPLE
    )
    segment = PublicIdField(queryset=Segment.objects.all(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError unless exactly one was given and every person exists."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Give either `prospects` or `segment`.")
        if ids := set(attrs.get("prospects", ())):
            known = set(Prospect.objects.filter(public_id__in=ids).values_list("public_id", flat=True))
            if unknown := sorted(str(missing) for missing in ids - known):
                raise serializers.ValidationError({"prospects": [f"Not known: {', '.join(unknown[:10])}."]})
        return attrs


class PreviewSerializer(StrictSerializer):
    prospect = PublicIdField(queryset=Prospect.objects.select_related("site"))
    program = PublicIdField(queryset=Program.objects.all())
    mailbox = PublicIdField(queryset=Mailbox.objects.all())


class RenderedSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """`step` 0 speaks of the person's whole way through the campaign."""

    class LineSerializer(serializers.Serializer[Any]):
        step = serializers.IntegerField()
        verdict = serializers.CharField()
        sentence = serializers.CharField()
        what_to_do = serializers.CharField(help_text="What a person can do about it, in words; may be empty")
        values = serializers.DictField()

    enrolled = serializers.BooleanField()
    state = serializers.CharField()
    lines = LineSerializer(many=True)


class SuppressionSerializer(StrictModelSerializer[Suppression]):
    value = serializers.CharField(max_length=254)
    reason = serializers.ChoiceField(choices=Suppression.Reason.choices, default=Suppression.Reason.MANUAL)

    class Meta:
        model = Suppression
        fields = ["id", "kind", "value", "reason", "source", "expires_at", "created_at"]
        extra_kwargs = {"expires_at": {"help_text": "Only of what is added by hand, imported or bounced"}}

    def validate_reason(self, value: str) -> str:
        """Raises ValidationError: whoever is erased is erased as a person."""
        if value == Suppression.Reason.ERASED:
            raise serializers.ValidationError("Erase the person; that keeps the hash.")
        return value


class SuppressionListSerializer(StrictSerializer):
    file = serializers.FileField(help_text="CSV, XLSX, or one a line; its columns are told by their names")
    reason = serializers.ChoiceField(
        choices=[choice for choice in Suppression.Reason.choices if choice[0] != Suppression.Reason.ERASED],
        default=Suppression.Reason.IMPORTED,
        help_text="Of each line that does not say one itself",
    )
    source = serializers.CharField(max_length=200, required=False, default="")  # type: ignore[assignment]
    expires_at = serializers.DateTimeField(required=False, default=None)


class BadLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="number")
    text = serializers.CharField()
    reason = serializers.CharField()


class TakenSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField(help_text="Lines that are new on the list")
    known = serializers.IntegerField(help_text="Lines that had been on it")
    rejected = serializers.IntegerField(help_text="Lines that name nobody")
    ended = serializers.IntegerField(help_text="Enrollments that ended")
    bad = BadLineSerializer(many=True, help_text="The first 200 of those rejected")


class ReasonSerializer(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class LeftOutSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    words = serializers.CharField(help_text="What these people do or have, as the end of a sentence")
    count = serializers.IntegerField()


class AudienceSerializer(serializers.Serializer[Any]):
    in_segment = serializers.IntegerField(help_text="`written` and all that is left out")
    written = serializers.IntegerField()
    left_out = LeftOutSerializer(many=True)
    next_day = serializers.DateField(allow_null=True, help_text="UTC day on which a live audience grows next")
    coming = serializers.ListField(
        child=serializers.UUIDField(), help_text="Who comes in then, unless something changes: the first 1,000"
    )


class SettledSerializer(serializers.Serializer[Any]):
    uncertain = serializers.IntegerField(help_text="Mails that may have been sent meanwhile, and are not sent again")
    noes = serializers.IntegerField(help_text="Stops that the backup did not know")
    done = serializers.BooleanField(source="is_done", help_text="False while it goes on; sending is held until then")


class SendingSerializer(serializers.Serializer[Any]):
    stopped = serializers.BooleanField()
    stopped_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
    ticked_at = serializers.DateTimeField(allow_null=True, help_text="When beat's last tick came through")
    held_at = serializers.DateTimeField(allow_null=True, help_text="Since when a guard holds all sending")
    held_because = serializers.CharField(help_text="What the guard found: restored, unknown or clock; else empty")
    gap_from = serializers.DateTimeField(allow_null=True, help_text="When the database had last worked, if put back")
    settling = SettledSerializer(allow_null=True, help_text="How far the settling after a restore is, while it goes on")
    overdue = serializers.IntegerField(help_text="Mails that were due while nothing was sent, counted to 10,000")


class SettleSerializer(StrictSerializer):
    restored = serializers.BooleanField(help_text="Whether the database was put back from a backup")


class ReleasedSerializer(serializers.Serializer[Any]):
    released = serializers.IntegerField(source="count", help_text="Mails that have a new slot so far")
    done = serializers.BooleanField(source="is_done", help_text="False while it goes on")
