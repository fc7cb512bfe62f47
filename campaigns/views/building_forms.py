"""The forms of the campaign builder: each is saved by itself, field by field where it must be."""

from datetime import time
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict

from campaigns import calendars, senders
from campaigns.drafting import Content
from campaigns.models import Campaign, Goal, Step
from campaigns.models.campaign import DelayUnit
from integrations.models import Mailbox
from outreach.lib import zones
from outreach.lib.zones import ZoneField
from prospects.models import Program, Segment
from templates.models import Channel

TEXTS = ("subject", "text", "html")
TIMING = ("delay", "delay_unit", "window_start", "window_end", "weekdays")
DAYS = [(1, "Mo"), (2, "Tu"), (3, "We"), (4, "Th"), (5, "Fr"), (6, "Sa"), (7, "Su")]
DAYS_OFF = ("skip_holidays", "quiet_dates")
PACE = ("more_mailboxes", "daily_limit")
WHO = ("goals", "one_per_site", "audience_is_live", "live_daily_cap")
UNITS = [(unit.value, unit.label.lower()) for unit in DelayUnit]


CLOCK = ("%H:%M", "%H.%M", "%H:%M:%S")
MIDNIGHT = "24:00"  # the end of a day, as people write it


class HourField(forms.TimeField):
    """A time of day on a 24-hour clock, whatever clock the browser is used to; "24:00" is midnight."""

    def __init__(self, **options: Any) -> None:
        attrs = {"pattern": r"([01]?\d|2[0-4])[:.][0-5]\d", "maxlength": 5, "size": 5, "placeholder": "HH:MM"}
        attrs |= {"title": "On a 24-hour clock, like 09:00 or 17:30", "autocomplete": "off", "class": "hour"}
        widget = forms.TextInput(attrs=attrs)
        wrong = f"“{options['label']}” takes a time on a 24-hour clock, like 09:00 or 17:30."
        super().__init__(
            input_formats=CLOCK, widget=widget, error_messages={"invalid": wrong, "required": wrong}, **options
        )

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%H:%M}" if isinstance(value, time) else value

    def to_python(self, value: Any) -> time | None:
        """Raises ValidationError."""
        text = str(value).strip() if value else ""
        return super().to_python("00:00" if text.replace(".", ":") == MIDNIGHT else text)


class QuietDatesField(forms.CharField):
    """Days and spans of days, as people write them."""

    def __init__(self) -> None:
        attrs = {"rows": 2, "placeholder": "2026-12-24 to 2027-01-02, 2027-05-01", "autocomplete": "off"}
        text = "Days, or spans of days, on which this campaign sends nothing: a fair, your holidays."
        super().__init__(label="Quiet dates", required=False, widget=forms.Textarea(attrs=attrs), help_text=text)

    def prepare_value(self, value: Any) -> Any:
        return calendars.days_said(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """A sorted list of days. Raises ValidationError."""
        try:
            return calendars.days_in(super().to_python(value) or "")
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SendersField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """The further mailboxes of a campaign, each with its address."""

    def __init__(self) -> None:
        text = "New people are shared out among all of them as their daily caps are; everybody keeps one mailbox."
        super().__init__(
            Mailbox.objects.none(),
            label="Share it with",
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=text,
        )

    def offer(self, campaign: Campaign) -> bool:
        """Those that may stand beside the first; False when there are none."""
        mailboxes = Mailbox.objects.filter(is_demo=campaign.mailbox.is_demo).exclude(pk=campaign.mailbox_id)
        usable = ~Q(status=Mailbox.Status.RETIRED) | Q(pk__in=[each.pk for each in senders.further(campaign)])
        self.queryset = found = mailboxes.filter(usable).defer(*senders.SECRETS).order_by("name")
        return found.exists()

    def label_from_instance(self, obj: Any) -> str:
        """Name and address."""
        return str(obj)


class LimitField(forms.IntegerField):
    """The most messages of a day."""

    def __init__(self) -> None:
        text = "Messages of this campaign in one day (UTC), from all its mailboxes, follow-ups included."
        super().__init__(label="At most a day", min_value=1, max_value=1_000_000, required=False, help_text=text)


class AnyTimeFields(forms.Form):
    """What can be changed of a campaign whether it runs or not."""

    goals = forms.MultipleChoiceField(
        choices=Goal.choices,
        required=False,
        label="Somebody has reached the goal, and gets no further step, when",
        widget=forms.CheckboxSelectMultiple,
        help_text="Whoever answers gets no further step in any case. This says what counts as a success.",
    )
    one_per_site = forms.BooleanField(
        required=False,
        label="Of each site one person at a time, the best first; the next only if nobody there answered",
    )
    audience_is_live = forms.BooleanField(
        required=False, label="People who match the segment later come in too, day by day"
    )
    live_daily_cap = forms.IntegerField(min_value=1, max_value=100_000, label="At most so many new people a day")
    more_mailboxes = SendersField()
    daily_limit = LimitField()
    skip_holidays = forms.BooleanField(required=False, label="Nobody gets mail on a public holiday of their country")
    quiet_dates = QuietDatesField()

    def __init__(self, campaign: Campaign, data: QueryDict | None = None, *, more: tuple[str, ...] = ()) -> None:
        initial = {name: getattr(campaign, name) for name in (*more, *WHO, *DAYS_OFF)}
        initial |= {"more_mailboxes": senders.further(campaign), "daily_limit": campaign.daily_limit}
        super().__init__(data, initial=initial)
        field = self.fields["more_mailboxes"]
        if isinstance(field, SendersField) and not field.offer(campaign):  # nobody is asked where there is no other
            del self.fields["more_mailboxes"]


class NewCampaignForm(forms.Form):
    """A name is enough to begin; the browser adds its clock."""

    name = forms.CharField(max_length=100, help_text="For you and your colleagues; nobody else sees it.")
    time_zone = forms.CharField(
        required=False, max_length=100, widget=forms.HiddenInput(attrs={"data-browser-zone": True})
    )


class CampaignForm(AnyTimeFields):
    """What can be changed of a draft; a part of the page posts only its own fields."""

    name = forms.CharField(max_length=100, help_text="For you and your colleagues; nobody else sees it.")
    program = forms.ModelChoiceField(Program.objects.order_by("name"), label="Program", empty_label=None)
    segment = forms.ModelChoiceField(Segment.objects.order_by("-id"), label="People in the segment", empty_label=None)
    mailbox = forms.ModelChoiceField(Mailbox.objects.none(), label="Mailbox", empty_label=None)
    time_zone = ZoneField(label="Where we do not know somebody's time zone, use")

    def __init__(self, campaign: Campaign, data: QueryDict | None = None, *, only_posted: bool = False) -> None:
        super().__init__(campaign, data, more=("name", "program", "segment", "mailbox", "time_zone"))
        self._campaign = campaign
        mailboxes = Mailbox.objects.filter(~Q(status=Mailbox.Status.RETIRED) | Q(pk=campaign.mailbox_id))
        choice = self.fields["mailbox"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = mailboxes.defer("smtp_password", "imap_password", "service_key").order_by("name")
        zones.keep(self, "time_zone", campaign.time_zone)
        posted = {*(data or {})}
        for part in (DAYS_OFF, WHO, PACE):  # an empty box is not posted, the field that ends its part is
            posted.update(part if part[-1] in posted else ())
        for name in set(self.fields) - posted if only_posted and data is not None else ():
            del self.fields[name]

    def clean_name(self) -> str:
        """Raises ValidationError for a name that another campaign has."""
        name: str = self.cleaned_data["name"]
        if Campaign.objects.filter(name=name).exclude(pk=self._campaign.pk).exists():
            raise forms.ValidationError("There is a campaign of this name already.")
        return name


BY_ITSELF = ""
HANDS = [
    (BY_ITSELF, "by itself"),
    ("approval", "after somebody approved it"),
    ("task", "by hand, as a task"),
]


def hand_of(step: Step) -> str:
    """Who hands a step over, as the form says it."""
    return "task" if step.channel == Channel.TASK else "approval" if step.needs_approval else BY_ITSELF


class StepForm(forms.Form):
    """One step: its text may be anything, its timing must make sense."""

    delay = forms.IntegerField(min_value=0, max_value=10_000, required=False)
    delay_unit = forms.ChoiceField(choices=UNITS, required=False)
    window_start = HourField(label="from")
    window_end = HourField(label="to")
    weekdays = forms.TypedMultipleChoiceField(
        choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple, error_messages={"required": "At least one day."}
    )
    hand = forms.ChoiceField(choices=HANDS, required=False, label="It goes out")
    subject = forms.CharField(required=False, strip=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    text = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 12}))
    html = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 8, "class": "mono"}))

    def __init__(self, content: Content, data: QueryDict | None = None) -> None:
        says = {"subject": content.subject, "text": content.text, "html": content.html}
        timing = {name: getattr(content.step, name) for name in TIMING}
        hand = {"hand": hand_of(content.step)}
        super().__init__(data, initial={**says, **timing, **hand}, auto_id=f"step-{content.step.public_id}-%s")
        self._content = content

    def clean(self) -> dict[str, Any]:
        """The first step has no delay to fill in: it keeps the one it has."""
        for name in ("delay", "delay_unit"):
            if self.cleaned_data.get(name) in (None, ""):
                self.cleaned_data[name] = getattr(self._content.step, name)
        return self.cleaned_data

    def texts(self) -> dict[str, str]:
        """What was written, whether or not the timing makes sense; empty when it can't be stored."""
        found = {name: self.cleaned_data[name] for name in TEXTS if name in self.cleaned_data}
        return found if len(found) == len(TEXTS) else {}

    def handed_over(self) -> dict[str, Any]:
        """Who hands it over, where that was asked."""
        if "hand" not in self.data or "hand" not in self.cleaned_data:
            return {}
        said = self.cleaned_data["hand"]
        return {"channel": Channel.TASK if said == "task" else Channel.EMAIL, "needs_approval": said == "approval"}

    def timing(self) -> dict[str, Any]:
        """When it goes out; empty while something of it is wrong."""
        found = {name: self.cleaned_data[name] for name in TIMING if name in self.cleaned_data}
        return found if len(found) == len(TIMING) and not any(name in self.errors for name in TIMING) else {}
