"""Rules in plain words, and what a person can do about each."""

from dataclasses import dataclass

WORDS = {
    "due": "its time has come",
    "not_due": "it is not due yet",
    "window_closed": "the sending window is closed",
    "public_holiday": "it is a public holiday where they live",
    "quiet_date": "nobody is written to on this day",
    "mailbox_full": "the mailbox has used up its daily cap",
    "domain_full": "enough goes to addresses of this domain already",
    "campaign_full": "the campaign has used up what it may send a day",
    "suppressed": "the address or its domain is suppressed",
    "person_stopped": "this person must not be written to",
    "site_stopped": "this site must not be written to",
    "no_address": "there is no address",
    "address_changed": "the address has changed, the message follows in a moment",
    "undecidable": "something about this person makes no sense to us; the log says what",
    "demo_person": "people of the demo world are never written to from a real mailbox",
    "merged_away": "this row was merged into another person",
    "merge_waiting": "two rows of this person are being merged",
    "merged": "the person was in this campaign already, under another row that was merged",
    "protected": "this person is protected",
    "contacted_lately": "they were written to by other means less than two weeks ago",
    "touched_lately": "they were written to a short while ago, or will be: your rules keep mails to a person apart",
    "site_touched": "a colleague of theirs is written to around then: your rules keep mails to a site apart",
    "site_answered": "somebody of their site answered lately: your rules let the others wait",
    "busy_elsewhere": "they or their site are in another campaign: your rules let one end before the next begins",
    "country_rule": "your rules say: nobody of their country is written to",
    "country_task": "mail is not allowed in their country: only a person's own message",
    "colleague_first": "this campaign takes one person of each site at a time, and a colleague of theirs comes first",
    "colleague_answered": "somebody of their site answered",
    "person_held": "this person is on hold",
    "site_held": "this site is on hold",
    "campaign_not_running": "the campaign is not running",
    "campaign_changes": "people are coming into the campaign, or going on in its new version, which takes a moment",
    "mailbox_not_active": "the mailbox is not active",
    "same_recipient": "somebody else in this campaign has the same address",
    "sending_stopped": "all sending is stopped",
    "sending_held": "sending waits until somebody has said that the database and the clock are right",
    "parked": "sending broke off three times while this mail was written; it waits until somebody tries it again",
    "overdue": "it is overdue, and waits until somebody releases it",
    "enrollment_ended": "the person's way through this campaign has ended",
    "mailbox_blind": "the mailbox was not read for half an hour, an answer may be waiting",
    "answers_waiting": "answers that came in are not applied yet",
    "taken_out": "somebody here took them out of this campaign",
    "replied": "the person answered",
    "unsubscribed": "the person unsubscribed",
    "bounced": "their address does not exist, or takes no mail",
    "complained": "the person complained",
    "declined": "the person asked us to stop",
    "cannot_compose": "the message could not be written for this person",
    "refused": "the receiving server refused the message",
    "gave_up": "the receiving server asked us to wait for more than four days",
    "uncertain": "nobody could tell for five days whether the message was sent",
    "rehearsal_astray": "a rehearsal goes to nobody but its own address",
    "rehearsal_over": "the rehearsal was ended",
    "erased": "the person asked to be forgotten",
    "too_soon": "it began less than 20 minutes ago, and the server may still answer",
    "no_slot": "its mailbox has no free place for it",
    "settled": "it has been settled already",
    "awaits_person": "it waits until somebody here has read and approved it, or done it",
    "approval": "somebody here reads and approves each of these messages first",
    "task": "somebody here does this by hand",
    "task_in_rehearsal": "a rehearsal leaves out what people do by hand",
    "condition": "the step is only for some people",
    "condition_unreadable": "whom the step is for can't be read any more; look at its condition",
    "first_batch": "the first batch went out, and the others wait until somebody lets them go",
    "joined": "they joined the program",
    "positive_reply": "they answered that they are interested",
    "manual": "somebody here added a suppression",
    "imported": "an import said not to write",
}


@dataclass(frozen=True)
class Cure:
    """What to do about a rule, in a sentence, and the page where: one of PAGES, or "" where nothing is to be done."""

    words: str
    page: str = ""


def _lifted(how: str) -> Cure:
    return Cure(f"{how} To keep it from ever going out, take them out of this campaign.", PERSON)


PERSON, CAMPAIGN, SETTINGS, MAILBOX, RULES, TASKS, TODAY = PAGES = (
    *("person", "campaign", "settings", "mailbox"),
    *("rules", "tasks", "today"),
)
_THEIR_NO = Cure("Nothing more goes out to them. Only they can take that back, by writing to you.", PERSON)
_NO = Cure("Nothing more goes out to them. Whether that can be taken back stands on their page.", PERSON)
_BY_ITSELF = Cure("It goes on by itself.")
_APART = Cure("It goes on by itself. How long people and sites are left alone is set in the rules.", RULES)
_MAILBOX = Cure("It goes on once the mailbox can be used again.", MAILBOX)
_NO_ADDRESS = Cure(
    "This campaign is over for them. With another address, added on their page, they can be in the next one.", PERSON
)
_FULL = Cure("It goes on by itself; a higher cap makes it sooner.", MAILBOX)
GOES = Cure(
    "To keep it from going out, take them out of this campaign. Or put them on hold on their page: it then waits "
    "until somebody releases them.",
    PERSON,
)
ANSWERED = Cure("They wait for your answer: what they wrote is on their page.", PERSON)
FINAL = Cure("They will not get this step in this campaign, whatever changes later.")

CURES = {
    **dict.fromkeys(("due", "not_due", "window_closed", "public_holiday"), GOES),
    **dict.fromkeys(("suppressed", "person_stopped", "site_stopped", "manual", "imported"), _NO),
    **dict.fromkeys(("unsubscribed", "complained", "declined"), _THEIR_NO),
    **dict.fromkeys(("replied", "positive_reply"), ANSWERED),
    **dict.fromkeys(("touched_lately", "site_touched", "site_answered", "busy_elsewhere"), _APART),
    **dict.fromkeys(
        ("answers_waiting", "merge_waiting", "address_changed", "contacted_lately", "campaign_changes"), _BY_ITSELF
    ),
    **dict.fromkeys(("mailbox_not_active", "mailbox_blind"), _MAILBOX),
    **dict.fromkeys(("mailbox_full", "domain_full"), _FULL),
    **dict.fromkeys(("sending_stopped", "sending_held", "overdue"), Cure("It goes on once somebody says so.", TODAY)),
    **dict.fromkeys(("country_rule", "country_task"), Cure("Countries are set in the rules.", RULES)),
    **dict.fromkeys(("condition", "task_in_rehearsal"), FINAL),
    "quiet_date": Cure("It goes on by itself after the days off.", SETTINGS),
    "campaign_full": Cure("It goes on by itself; a higher limit makes it sooner.", SETTINGS),
    "colleague_first": Cure("It goes on when their colleague’s way ended without an answer.", SETTINGS),
    "protected": _lifted("A manager, or whoever looks after them, can lift that on their page."),
    "person_held": _lifted("“Release” on their page lifts that."),
    "site_held": _lifted("“Release” on their company’s page lifts that."),
    "taken_out": Cure("Who got no mail of it yet can be put back on their page.", PERSON),
    "parked": Cure("Try it again from their page.", PERSON),
    "no_address": Cure("Add an address on their page, and enrol them again.", PERSON),
    **dict.fromkeys(("bounced", "refused"), _NO_ADDRESS),
    "campaign_not_running": Cure("It goes on when the campaign is resumed.", CAMPAIGN),
    "first_batch": Cure("It goes on when somebody lets the others go.", CAMPAIGN),
    "condition_unreadable": Cure("It goes on when the condition of the step is mended.", CAMPAIGN),
    "approval": Cure("Read and approve it among the tasks.", TASKS),
    "task": Cure("Do it, and say so among the tasks.", TASKS),
    "awaits_person": Cure("It is among the tasks.", TASKS),
}


_STATUSES = {  # what the second and third number of a status say (RFC 3463 section 3, RFC 7505)
    **dict.fromkeys(("1.1", "1.3", "1.6"), "their mail server says that there is no such address"),
    **dict.fromkeys(("1.2", "1.10"), "their domain takes no mail"),
    "2.1": "their mail server says that the mailbox is switched off",
    "2.2": "their mailbox is full",
    "2.3": "the mail is longer than their mailbox takes",
    "7.1": "their mail server’s rules keep the mail out",
}


def of_server(status: str, said: str) -> str:
    """What a mail server meant by its enhanced status; by its own words where that tells nothing, "" without any."""
    known = _STATUSES.get(status.partition(".")[2])
    return known or (f"their mail server said: “{said[:300]}”" if said else "")


def words(rule: str) -> str:
    """The plain words of a rule; a rule without any is shown as it is."""
    return WORDS.get(rule, rule.replace("_", " "))


def cure(rule: str) -> Cure | None:
    """What to do about a rule; None where nothing is."""
    return CURES.get(rule)
