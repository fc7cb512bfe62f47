"""Campaigns, sequences, the ledger and what came back."""

from campaigns.models.campaign import Arm, Campaign, CampaignMailbox, Goal, SequenceVersion, Step, StepDraft
from campaigns.models.counts import CampaignCount, CountCursor, DailyCount, KeptForecast
from campaigns.models.enrollment import Decision, Enrollment
from campaigns.models.history import CampaignEvent, CampaignMailboxEvent, CountryRuleEvent, TouchRulesEvent
from campaigns.models.message import Message, PersonalText, TrackedLink
from campaigns.models.outcome import Event, Reply
from campaigns.models.rules import CountryRule, TouchRules
from campaigns.models.sending import CampaignErrand, Errand, MailboxRound, SendingControl

__all__ = [
    "Arm",
    "Campaign",
    "CampaignCount",
    "CampaignErrand",
    "CampaignEvent",
    "CampaignMailbox",
    "CampaignMailboxEvent",
    "CountCursor",
    "CountryRule",
    "CountryRuleEvent",
    "DailyCount",
    "Decision",
    "Enrollment",
    "Errand",
    "Event",
    "Goal",
    "KeptForecast",
    "MailboxRound",
    "Message",
    "PersonalText",
    "Reply",
    "SendingControl",
    "SequenceVersion",
    "Step",
    "StepDraft",
    "TouchRules",
    "TouchRulesEvent",
    "TrackedLink",
]
