"""Settings › Rules: how often people and sites are written to."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from campaigns.models import CountryRule, TouchRules
from campaigns.rules import ruling as verbs
from outreach.lib import pages
from prospects import places


class TouchRulesForm(forms.Form):
    person_days = forms.IntegerField(
        min_value=0,
        max_value=verbs.MOST_DAYS,
        label="Days between two mails to the same person",
        help_text="From whatever campaign, follow-ups too. 0 is no rule.",
    )
    site_days = forms.IntegerField(
        min_value=0,
        max_value=verbs.MOST_DAYS,
        label="Days between mails to different people of the same site",
        help_text="0 is no rule.",
    )
    exclusive = forms.ChoiceField(
        choices=TouchRules.Exclusive.choices,
        label="Several campaigns at once",
        help_text="Whichever campaign began first goes on; the others wait until it has ended for them.",
    )
    site_reply = forms.ChoiceField(
        choices=TouchRules.SiteReply.choices, label="When one person of a site answers, the others there"
    )
    site_reply_days = forms.IntegerField(
        min_value=0, max_value=verbs.MOST_DAYS, label="Days that the others wait after an answer"
    )


class CountryRuleForm(forms.Form):
    country = forms.ChoiceField(label="Country")
    rule = forms.ChoiceField(choices=CountryRule.Rule.choices, initial=CountryRule.Rule.NEVER)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="country-%s")
        self.fields["country"] = forms.ChoiceField(label="Country", choices=[("", "Choose…"), *places.countries()])
        self.order_fields(["country", "rule"])


def rules(request: HttpRequest) -> HttpResponse:
    """The rules over all campaigns; who may not change them reads them."""
    now, touch = timezone.now(), verbs.current()
    initial = {name: getattr(touch, name) for name in TouchRulesForm.base_fields}
    form = TouchRulesForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and pages.called(form, verbs.change, now=now) is not None:
        pages.said(request, "Saved. The rules hold from now on, for what is planned already too.")
        return redirect("rules")
    return _page(request, touch=touch, form=form, country_form=CountryRuleForm())


@require_POST
def rules_country(request: HttpRequest) -> HttpResponse:
    """Sets the rule of one country."""
    form = CountryRuleForm(request.POST)
    if not form.is_valid() or not _set(form):
        touch = verbs.current()
        initial = {name: getattr(touch, name) for name in TouchRulesForm.base_fields}
        return _page(request, touch=touch, form=TouchRulesForm(initial=initial), country_form=form)
    name, rule = places.country_name(form.cleaned_data["country"]), CountryRule.Rule(form.cleaned_data["rule"])
    pages.said(request, f"{name}: {rule.label}. It holds from now on, also for who is under way.")
    return redirect("rules")


def _set(form: CountryRuleForm) -> bool:
    pages.called(form, verbs.set_country, now=timezone.now())
    return not form.errors


def _page(request: HttpRequest, **context: Any) -> HttpResponse:
    ruled = [(row, places.country_name(row.country)) for row in verbs.countries()]
    return render(request, "campaigns/rules.html", {**context, "countries": ruled})
