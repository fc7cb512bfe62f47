"""Which fields of this app say something about a person (export shows and erasure empties them), and which do not.

The ledger keeps its rows when a person is erased: what was sent stays counted, whom it went to and what it said goes.
"""

# What every row of history has; its context says who of us it was, and which page or command.
_OF_HISTORY = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_context_id")
_OF_TOUCHES = ("person_days", "site_days", "exclusive", "site_reply", "site_reply_days")

PERSONAL: dict[str, frozenset[str]] = {
    "Campaign": frozenset({"created_by", "launched_by", "rehearsal_to"}),
    "SequenceVersion": frozenset({"published_by"}),
    "Step": frozenset({"condition"}),
    "StepDraft": frozenset(),
    "Arm": frozenset(),
    "DailyCount": frozenset(),
    "CampaignCount": frozenset(),
    "CountCursor": frozenset(),
    "KeptForecast": frozenset(),
    "Enrollment": frozenset({"prospect", "enrolled_by"}),
    "Decision": frozenset({"values"}),
    "Message": frozenset(
        {
            *("prospect", "recipient", "recipient_key", "contact_keys", "subject", "text", "html"),
            *("why", "cancel_reason", "smtp_reply"),
        }
    ),
    "PersonalText": frozenset({"subject", "text", "written_by"}),
    "TrackedLink": frozenset(),
    "Event": frozenset({"prospect", "inbound", "detail"}),
    "Reply": frozenset({"prospect", "sender", "subject", "text", "relabelled_by"}),
    "SendingControl": frozenset({"stopped_by", "stop_reason", "settled_by"}),
    "CampaignErrand": frozenset({"asked_by"}),
    "Errand": frozenset({"asked_by"}),
    "MailboxRound": frozenset(),
    "TouchRules": frozenset(),
    "CountryRule": frozenset(),
    "CountryRuleEvent": frozenset({"pgh_context"}),
    "TouchRulesEvent": frozenset({"pgh_context"}),
    "CampaignEvent": frozenset({"pgh_context", "rehearsal_to", "state_reason"}),
    "CampaignMailboxEvent": frozenset({"pgh_context"}),
}

IMPERSONAL: dict[str, frozenset[str]] = {
    "Campaign": frozenset(
        {
            *("id", "public_id", "created_at", "name", "program", "segment", "mailbox", "time_zone"),
            *("skip_holidays", "quiet_dates", "goals", "more_mailboxes", "daily_limit"),
            *("one_per_site", "audience_is_live", "live_daily_cap", "first_batch", "released_at", "live_grown_on"),
            *("state", "state_reason", "is_demo", "launched_at", "rehearsal_of"),
        }
    ),
    "SequenceVersion": frozenset(
        {
            *("id", "campaign", "number", "published_at", "created_at", "audience", "reaches_finished"),
            *("behind", "counts"),
        }
    ),
    "Step": frozenset(
        {
            *("id", "public_id", "created_at", "sequence_version", "key", "position", "channel"),
            *("delay", "delay_unit", "window_start", "window_end", "weekdays", "needs_approval"),
        }
    ),
    "StepDraft": frozenset({"step", "subject", "text", "html", "saved_at"}),
    "DailyCount": frozenset(
        {
            *("id", "campaign", "step_key", "day", "sent", "refused", "uncertain", "bounced", "complained"),
            *("clicked", "replied", "positive", "unsubscribed"),
        }
    ),
    "CampaignCount": frozenset(
        {"campaign", "enrolled", "active", "not_begun", "finished", "stopped", "planned", "counted_at"}
    ),
    "CountCursor": frozenset({"id", "last_event_id", "relabelled_until"}),
    "KeptForecast": frozenset({"campaign", "asked_at", "made_at", "facts"}),
    "Arm": frozenset({"id", "step", "name", "template_version"}),
    "Enrollment": frozenset(
        {
            *("id", "public_id", "created_at", "campaign", "sequence_version", "mailbox", "state", "stop_reason"),
            *("ended_at", "next_step_key", "steps_handed_over", "due_at", "look_at"),
        }
    ),
    "Decision": frozenset({"id", "enrollment", "step_key", "verdict", "rule", "decided_at", "recorded_at"}),
    "Message": frozenset(
        {
            *("id", "public_id", "created_at", "enrollment", "campaign", "mailbox", "step", "step_key", "arm"),
            *(
                "template_version",
                "message_id",
                "is_follow_up",
                "state",
                "send_at",
                "awaits",
                "overdue_at",
                "planned_at",
                "lease_token",
            ),
            *(
                "attempts",
                "worker_deaths",
                "marked_at",
                "handed_over_at",
                "smtp_phase",
                "smtp_code",
                "smtp_status",
                "outcome",
            ),
        }
    ),
    "PersonalText": frozenset({"message", "written_at"}),
    "TrackedLink": frozenset({"id", "template_version", "url", "created_at"}),
    "Event": frozenset(
        {
            *("id", "public_id", "created_at", "kind", "enrollment", "message", "occurred_at", "by_machine"),
            "dedupe_key",
        }
    ),
    "Reply": frozenset(
        {
            *("id", "public_id", "created_at", "message", "event", "reply_class", "machine_class", "received_at"),
            *("read_at", "relabelled_at"),
        }
    ),
    "SendingControl": frozenset(
        {
            *("id", "stopped_at", "ticked_at", "installation_id", "beats", "business_at", "held_at", "held_because"),
            *("held_note", "gap_from", "gap_until", "settled_at", "journal_failed_at"),
        }
    ),
    "CampaignErrand": frozenset({"id", "campaign", "kind", "asked_at", "done", "finished_at"}),
    "Errand": frozenset({"id", "kind", "asked_at", "done", "finished_at"}),
    "MailboxRound": frozenset({"mailbox", "looked_at", "claimed"}),
    "TouchRules": frozenset({"id", *_OF_TOUCHES}),
    "CountryRule": frozenset({"id", "country", "rule"}),
    "CountryRuleEvent": frozenset({*_OF_HISTORY, "pgh_obj", "country", "rule"}),
    "TouchRulesEvent": frozenset({*_OF_HISTORY, "pgh_obj", *_OF_TOUCHES}),
    "CampaignEvent": frozenset(
        {
            *(*_OF_HISTORY, "pgh_obj", "name", "program", "segment", "mailbox", "time_zone", "state", "launched_at"),
            *("skip_holidays", "quiet_dates", "goals", "daily_limit"),
            *("one_per_site", "audience_is_live", "live_daily_cap", "first_batch", "released_at"),
        }
    ),
    "CampaignMailbox": frozenset({"id", "campaign", "mailbox"}),
    "CampaignMailboxEvent": frozenset({*_OF_HISTORY, "pgh_obj", "campaign", "mailbox"}),
}
