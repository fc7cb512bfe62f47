"""What a campaign is there for. Whoever reaches it is finished; that they joined, the planner and the gate see."""

from typing import Any

from django.db.models import QuerySet

from campaigns.models import Campaign, Enrollment, Goal, Message
from integrations.ports import ReplyClass
from prospects.models import Stage

REPLIED = "replied"  # how a way ends when an answer comes that is no goal

# Of a person `p`: joined the program of the campaign `c`, which is there for that.
HAS_JOINED = """('joined' = ANY(c.goals) AND EXISTS (
    SELECT 1 FROM prospects_stage g WHERE g.prospect_id = p.id AND g.program_id = c.program_id
                                      AND g.name IN ('joined', 'selling')))"""


def partners(campaign: Campaign) -> QuerySet[Stage, Any]:
    """The ids of those who joined the program already; nobody's where that is not what the campaign is there for."""
    if Goal.JOINED not in campaign.goals:
        return Stage.objects.none().values("prospect")
    joined = (Stage.Name.JOINED, Stage.Name.SELLING)
    return Stage.objects.filter(program=campaign.program_id, name__in=joined).values("prospect")


def judge_answer(*, message: Message, reply_class: str) -> None:
    """After an answer to this message was read, or read again, as `reply_class`: says whether it was the goal.

    The way has ended by then. Only the campaign that was answered reaches its goal by it.
    """
    answered = Enrollment.objects.filter(pk=message.enrollment_id)
    if reply_class == ReplyClass.POSITIVE:
        has_it = answered.filter(campaign__goals__contains=[Goal.POSITIVE_REPLY])
        ended = has_it.filter(state__in=(Enrollment.State.STOPPED, Enrollment.State.FINISHED))
        ended.filter(stop_reason__in=("", REPLIED)).update(
            state=Enrollment.State.FINISHED, stop_reason=Goal.POSITIVE_REPLY
        )
    else:
        was_it = answered.filter(state=Enrollment.State.FINISHED, stop_reason=Goal.POSITIVE_REPLY)
        was_it.update(state=Enrollment.State.STOPPED, stop_reason=REPLIED)
