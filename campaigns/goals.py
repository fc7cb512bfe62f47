"""What a campaign is there for. Whoever reaches it is finished; that they joined, the planner and the gate see."""

from campaigns.models import Enrollment, Goal, Message
from integrations.ports import ReplyClass

REPLIED = "replied"  # how a way ends when an answer comes that is no goal


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
