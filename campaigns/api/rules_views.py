"""The rules over all campaigns, over HTTP."""

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.models import CountryRule, TouchRules
from campaigns.rules import ruling
from outreach.lib.endpoints import ProblemSchema, StrictSerializer


class TouchRulesSerializer(StrictSerializer):
    person_days = serializers.IntegerField(min_value=0, help_text="Days between two mails to a person; 0 is no rule")
    site_days = serializers.IntegerField(
        min_value=0, help_text="Days between mails to different people of a site; 0 is no rule"
    )
    exclusive = serializers.ChoiceField(choices=TouchRules.Exclusive.choices)
    site_reply = serializers.ChoiceField(choices=TouchRules.SiteReply.choices)
    site_reply_days = serializers.IntegerField(min_value=0, help_text="Days that the others wait after an answer")


class TouchRulesView(APIView):
    """How often people and sites are written to, by all campaigns together."""

    schema = ProblemSchema()

    @extend_schema(operation_id="touch_rules_read", responses={200: TouchRulesSerializer})
    def get(self, request: Request) -> Response:
        return Response(TouchRulesSerializer(ruling.current()).data)

    @extend_schema(
        operation_id="touch_rules_change",
        request=TouchRulesSerializer(partial=True),
        responses={200: TouchRulesSerializer},
    )
    def patch(self, request: Request) -> Response:
        """What is planned already follows the new rules too."""
        body = TouchRulesSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = ruling.change(now=timezone.now(), **body.validated_data)
        return Response(TouchRulesSerializer(changed).data)


class CountryRulesSerializer(StrictSerializer):
    rules = serializers.DictField(
        child=serializers.ChoiceField(choices=CountryRule.Rule.choices),
        help_text="By country (ISO 3166-1 alpha-2); one that is not named is allowed",
    )


class CountryRulesView(APIView):
    """Where people may be written to."""

    schema = ProblemSchema()

    @extend_schema(operation_id="country_rules_read", responses={200: CountryRulesSerializer})
    def get(self, request: Request) -> Response:
        return _country_rules()

    @extend_schema(
        operation_id="country_rules_change", request=CountryRulesSerializer, responses={200: CountryRulesSerializer}
    )
    def patch(self, request: Request) -> Response:
        """Sets the countries that are named, all or none; *allowed* takes a rule away."""
        body = CountryRulesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            for country, rule in body.validated_data["rules"].items():
                ruling.set_country(country=country, rule=rule, now=timezone.now())
        return _country_rules()


def _country_rules() -> Response:
    return Response({"rules": {row.country: row.rule for row in ruling.countries()}})
