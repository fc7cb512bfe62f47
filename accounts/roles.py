"""What each role may do, in one sentence; tests/accounts/test_roles.py holds the words against the permission table."""

from accounts.models import Role

SAYS: dict[Role, str] = {
    Role.VIEWER: "Reads every page and changes nothing but their own account.",
    Role.OPERATOR: (
        "Also adds, imports and edits prospects, runs campaigns and programs, approves messages and does tasks, "
        "handles replies, suppresses addresses, pauses mailboxes, stops all "
        "sending and releases what was due while nothing was sent."
    ),
    Role.MANAGER: (
        "Also adds and changes mailboxes, lets stopped or held sending go on, lifts suppressions, says what became of "
        "uncertain messages, hands people over to another owner, sets the rules over all campaigns, proves, exports "
        "and erases what is held about a person, and deletes in the back office."
    ),
    Role.ADMINISTRATOR: "Does everything: also people, API keys and ending the demo world.",
}
