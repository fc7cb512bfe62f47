"""The gate: what must hold at the moment a message is marked, as SQL over facts; claim, mark and explain read it."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection, transaction

from campaigns import goals
from campaigns.deciding import CONTACTED_LATELY
from campaigns.models import Goal
from campaigns.rules import keeping_apart
from outreach.lib.retrying import retried

PARKED_AFTER = 4  # deaths of a worker: the one that made it a suspect, and three while it was written alone


@dataclass(frozen=True)
class Clause:
    """`sql` is true when the message may pass (aliases: see FACTS); one that `ends` cancels what it refuses, others
    hold it. `mostly` ("": the same) asks less, knows no rules r and n, and is true only where `sql` is.
    """

    name: str
    sql: str
    ends: bool = False
    mostly: str = ""


# A message m with its enrollment, campaign, mailbox, person and, if there is one, site: one row. So are the rules.
_OF_MESSAGE = "e.id = m.enrollment_id AND c.id = m.campaign_id AND b.id = m.mailbox_id AND p.id = m.prospect_id"
_FEW_FACTS = """
  campaigns_enrollment e, campaigns_campaign c, integrations_mailbox b,
  prospects_prospect p LEFT JOIN prospects_site s ON s.id = p.site_id"""
FACTS = f"""{_FEW_FACTS}
    LEFT JOIN campaigns_countryrule n ON n.country = p.country LEFT JOIN campaigns_touchrules r ON true
 WHERE {_OF_MESSAGE}"""
# A rehearsal speaks as a person to an address of our own: what is known about that person does not concern it.
REHEARSAL = "c.rehearsal_of_id IS NOT NULL"
# Known of the address itself it does: whoever has it and said no gets no rehearsal either, whoever is played.
READER_SAID_NO = """EXISTS (
    SELECT 1 FROM prospects_prospect reader LEFT JOIN prospects_site home ON home.id = reader.site_id
     WHERE reader.contact_keys && ARRAY(SELECT k FROM unnest(m.contact_keys) k WHERE starts_with(k, 'address:'))
       AND (reader.stopped_at IS NOT NULL OR home.stopped_at IS NOT NULL))"""
# Few campaigns are launched or revised at this moment, and all of them stand in one small index.
_ANY_CHANGES = "EXISTS (SELECT 1 FROM campaigns_campaignerrand a WHERE a.finished_at IS NULL"
CHANGES = f"{_ANY_CHANGES} AND a.campaign_id = c.id)"
# Few merges wait, and all of them stand in one small index.
_ANY_MERGE_WAITS = "EXISTS (SELECT 1 FROM prospects_merge g WHERE g.applied_at IS NULL"
MERGE_WAITS = f"{_ANY_MERGE_WAITS} AND (g.survivor_id = p.id OR g.merged_id = p.id))"
# Whoever may have got a mail may have answered it: the next one, or the same one again, waits until that is read.
NO_ANSWER_YET = "NOT m.is_follow_up AND m.state <> 'uncertain' AND NOT m.why ? 'again'"
FRESH = "{}.polled_at > clock_timestamp() - interval '30 minutes'"
# Whom another mailbox wrote to before it was retired may answer there, as long as that one is read at all.
BEFORE = "SELECT o.mailbox_id FROM campaigns_message o WHERE o.enrollment_id = m.enrollment_id"
ONE_MAILBOX = f"NOT EXISTS ({BEFORE} AND o.mailbox_id <> m.mailbox_id)"
BLIND_BEFORE = f"""EXISTS (
    SELECT 1 FROM integrations_mailbox left_behind
     WHERE left_behind.id IN ({BEFORE} AND o.mailbox_id <> m.mailbox_id AND o.handed_over_at IS NOT NULL)
       AND left_behind.imap_host <> '' AND ({FRESH.format("left_behind")}) IS NOT TRUE)"""  # noqa: S608

# Nothing that came in is unapplied for long: of this message's mailboxes, or of any.
_ANSWER_WAITS = """EXISTS (SELECT 1 FROM integrations_inboundevent i
    WHERE i.applied_at IS NULL AND i.stored_at < clock_timestamp() - interval '2 minutes'"""


def _of_people(name: str, sql: str, *, ends: bool = False, mostly: str = "") -> Clause:
    """A clause about whom a message is for, which concerns no rehearsal; what mostly holds holds of none."""
    return Clause(name, f"({REHEARSAL} OR {sql})", ends, mostly or sql)


CLAUSES = (
    Clause(
        "sending_stopped",
        "NOT EXISTS (SELECT 1 FROM campaigns_sendingcontrol x WHERE x.stopped_at IS NOT NULL)",
        mostly="NOT EXISTS (SELECT 1 FROM campaigns_sendingcontrol x"
        " WHERE x.stopped_at IS NOT NULL OR x.held_at IS NOT NULL)",
    ),
    Clause(
        "sending_held",
        "NOT EXISTS (SELECT 1 FROM campaigns_sendingcontrol x WHERE x.held_at IS NOT NULL)",
        mostly="true",  # asked with the one before
    ),
    Clause("overdue", "m.overdue_at IS NULL"),  # until a person says that it may go out late (campaigns.overdue)
    Clause("parked", f"m.worker_deaths < {PARKED_AFTER}"),  # until a person tries it again (campaigns.suspects)
    Clause("awaits_person", "m.awaits = ''"),  # until somebody approved it (campaigns.approving), or did it
    Clause("campaign_not_running", "c.state = 'running'"),
    Clause("campaign_changes", f"NOT {CHANGES}", mostly=f"NOT {_ANY_CHANGES})"),
    Clause("mailbox_not_active", "b.status = 'active'"),
    Clause("enrollment_ended", "e.state = 'active'", ends=True),
    Clause(
        "rehearsal_astray",
        "(c.rehearsal_of_id IS NULL OR c.rehearsal_to = m.recipient)",
        ends=True,
        mostly=f"NOT ({REHEARSAL})",
    ),
    _of_people(Goal.JOINED, f"NOT {goals.HAS_JOINED}", ends=True),
    Clause(
        "suppressed",
        """NOT EXISTS (SELECT 1 FROM unnest(CASE WHEN c.rehearsal_of_id IS NULL THEN m.contact_keys || p.contact_keys
                                                  ELSE m.contact_keys END) k
                         JOIN prospects_suppression x ON x.key = k)""",
        ends=True,
        mostly="NOT EXISTS (SELECT 1 FROM prospects_suppression x"
        " WHERE x.key = ANY (m.contact_keys || p.contact_keys))",
    ),
    _of_people("no_address", "p.email <> ''", ends=True),
    _of_people("address_changed", "p.email = m.recipient"),  # the planner writes the new address
    Clause(
        "person_stopped",
        f"(CASE WHEN {REHEARSAL} THEN NOT {READER_SAID_NO} ELSE p.stopped_at IS NULL END)",
        ends=True,
        mostly="p.stopped_at IS NULL",
    ),
    _of_people("site_stopped", "s.stopped_at IS NULL", ends=True),
    _of_people("merged_away", "p.person_id IS NULL", ends=True),
    _of_people("merge_waiting", f"NOT {MERGE_WAITS}", mostly=f"NOT {_ANY_MERGE_WAITS})"),
    _of_people("protected", "(p.protected_at IS NULL AND s.protected_at IS NULL)"),
    _of_people(
        "contacted_lately",  # the planner gives it a later slot
        "(m.is_follow_up OR p.contacted_elsewhere_at IS NULL"
        f" OR m.send_at >= p.contacted_elsewhere_at + interval '{CONTACTED_LATELY.days} days')",
    ),
    # The planner keeps them apart, and moves what comes too close (campaigns.rules.keeping_apart). Mostly nothing is
    # ruled.
    _of_people("touched_lately", keeping_apart.PERSON_RESTED, mostly=f"NOT {keeping_apart.TOUCHES_RULED}"),
    _of_people("site_touched", f"(p.site_id IS NULL OR {keeping_apart.SITE_RESTED})", mostly="true"),
    _of_people("site_answered", keeping_apart.SITE_ANSWER_RESTED, mostly="true"),
    _of_people("busy_elsewhere", keeping_apart.NOT_BUSY, mostly="true"),
    _of_people("colleague_first", f"(p.site_id IS NULL OR {keeping_apart.TURN})", mostly="NOT c.one_per_site"),
    _of_people("country_rule", keeping_apart.COUNTRY_ALLOWS, mostly=keeping_apart.COUNTRY_UNRULED),
    _of_people("country_task", keeping_apart.COUNTRY_ALLOWS_MAIL, mostly="true"),
    _of_people("person_held", "p.held_at IS NULL"),
    _of_people("site_held", "s.held_at IS NULL"),
    _of_people("demo_person", "(NOT p.is_demo OR b.is_demo)"),
    # Freshness: a follow-up is held while an answer may be waiting unread or unapplied.
    Clause(
        "mailbox_blind",
        f"({NO_ANSWER_YET} OR ({FRESH.format('b')} AND NOT {BLIND_BEFORE}))",
        mostly=f"({NO_ANSWER_YET} OR ({FRESH.format('b')} AND {ONE_MAILBOX}))",
    ),
    Clause(
        "answers_waiting",
        f"({NO_ANSWER_YET} OR NOT {_ANSWER_WAITS}"
        f" AND (i.mailbox_id = m.mailbox_id OR i.mailbox_id IS NULL OR i.mailbox_id IN ({BEFORE}))))",
        mostly=f"({NO_ANSWER_YET} OR NOT {_ANSWER_WAITS}))",
    ),
)

_OF_ALL = " AND ".join(clause.sql for clause in CLAUSES[:2])
_OF_ONE = " AND ".join(clause.sql for clause in CLAUSES[2:])
PASSES = f"({_OF_ALL} AND (SELECT {_OF_ONE} FROM {FACTS}))"  # noqa: S608
"""The whole predicate over a message with the alias m.

Whether anything is sent is asked once. The rest is one scalar subquery, asked row by row through primary keys: so a
claim stops at its limit, whatever PostgreSQL believes about so many clauses together.
"""

_MOSTLY = " AND ".join(clause.mostly or clause.sql for clause in CLAUSES)
MOSTLY_PASSES = f"(SELECT {_MOSTLY} FROM {_FEW_FACTS} WHERE {_OF_MESSAGE})"  # noqa: S608
"""True only where PASSES is, at a fraction of its price: what is asked makes PostgreSQL work in each statement, even
where a clause before it answered. Whom it refuses PASSES may let pass all the same.
"""


def refusals(*, message_ids: Collection[int]) -> dict[int, list[str]]:
    """By message: the names of the clauses that refuse it right now; an empty list when it may be marked. One query."""
    columns = ", ".join(clause.sql for clause in CLAUSES)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT m.id, {columns} FROM campaigns_message m, {FACTS} AND m.id = ANY(%s)",  # noqa: S608
            [list(message_ids)],
        )
        return {
            pk: [clause.name for clause, passes in zip(CLAUSES, row, strict=True) if not passes]
            for pk, *row in cursor.fetchall()
        }


@retried
@transaction.atomic
def cancel_refused(*, message_ids: Collection[int]) -> int:
    """Cancels those of these planned messages that an ending clause refuses: a suppression by an import, say.

    Messages are locked before enrollments, each by id, as every stop does.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL_REFUSED, [list(message_ids)])
        rows = sorted(cursor.fetchall())
        if rows:
            ids, reasons = [row[0] for row in rows], [row[1] for row in rows]
            cursor.execute("SELECT 1 FROM campaigns_enrollment WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
            cursor.execute(_END_ENROLLMENTS, [ids, reasons])
    return len(rows)


_REASON = " ".join(f"WHEN NOT {clause.sql} THEN '{clause.name}'" for clause in CLAUSES if clause.ends)
# Row by row, as above: for a thousand messages at once PostgreSQL would read everybody's sites. Only what is refused is
# locked, since a mark skips what is.
_CANCEL_REFUSED = f"""
WITH refused AS MATERIALIZED (
    SELECT * FROM (SELECT m.id, (SELECT CASE {_REASON} END FROM {FACTS}) AS reason
                     FROM campaigns_message m WHERE m.id = ANY(%s) AND m.state = 'planned') asked
     WHERE reason IS NOT NULL),
found AS (
    SELECT m.id, refused.reason FROM campaigns_message m JOIN refused USING (id)
     WHERE m.state = 'planned' ORDER BY m.id FOR UPDATE OF m SKIP LOCKED)
UPDATE campaigns_message t SET state = 'cancelled', cancel_reason = found.reason FROM found WHERE t.id = found.id
RETURNING t.enrollment_id, t.cancel_reason
"""  # noqa: S608
_END_ENROLLMENTS = """
UPDATE campaigns_enrollment
   SET state = CASE ended.reason WHEN 'joined' THEN 'finished' ELSE 'stopped' END, stop_reason = left(ended.reason, 30),
       ended_at = clock_timestamp(), look_at = NULL
  FROM (SELECT unnest(%s::bigint[]) AS id, unnest(%s::text[]) AS reason) ended
 WHERE campaigns_enrollment.id = ended.id AND state = 'active'
"""
