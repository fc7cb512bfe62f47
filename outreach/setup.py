"""From the demo world to real use, step by step."""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import onboarding
from accounts.callers import caller
from accounts.models import Role
from campaigns import reaching
from campaigns.models import Campaign
from integrations.models import Mailbox
from outreach.demo import leaving, practising, staging
from outreach.lib import pages, words
from outreach.lib.errors import DomainError
from prospects.models import Program, Prospect

SECONDS = 3.0  # that somebody waits in front of the page


@dataclass(frozen=True)
class Step:
    """One thing to set up: `note` says how it stands, `route` leads to where it is done by those who have `least`."""

    key: str
    title: str
    why: str
    done: bool = False
    note: str = ""
    route: str = ""
    button: str = ""
    least: Role = Role.OPERATOR


@dataclass(frozen=True)
class Address:
    """How the public address stands. `wrong` is None while nobody has asked."""

    url: str
    is_here: bool
    wrong: str | None

    @property
    def is_fine(self) -> bool:
        """Whether others reach this installation by it."""
        return not self.is_here and self.wrong == ""


def address(*, again: bool = False) -> Address:
    """What is known of the public address; `again` asks it now, which may take `SECONDS`."""
    url = settings.PUBLIC_URL
    if reaching.only_here(url=url):
        return Address(url=url, is_here=True, wrong=None)
    wrong = reaching.look(url=url, seconds=SECONDS, again=True) if again else reaching.last_look(url=url)
    return Address(url=url, is_here=False, wrong=wrong)


def steps(*, public: Address) -> list[Step]:
    """The way to the first campaign, each step ticked from what is in the database."""
    return [_program(), _address(public), _mailbox(), _people(), _campaign()]


def _program() -> Step:
    known = Program.objects.exclude(postal_address="").exclude(name=staging.PROGRAM)
    known = known.exclude(name__startswith=leaving.KEPT_PROGRAM)
    first = known.order_by("id").first()
    return Step(
        key="program",
        title="Describe your program",
        why="Every mail says in whose name it is written, and must carry a postal address: the law asks for it.",
        done=first is not None,
        note=str(first) if first else "",
        route="program-add",
        button="Add your program",
    )


def _address(public: Address) -> Step:
    return Step(
        key="address",
        title="Give it an address that others can open",
        why="Links in mails, the unsubscribe link among them, begin with it. Without one no real mail may leave.",
        done=public.is_fine,
    )


def _mailbox() -> Step:
    ready = Mailbox.objects.filter(status=Mailbox.Status.ACTIVE, verified_at__isnull=False)
    found = ready.exclude(name__startswith="Demo: ").order_by("is_demo", "id").first()
    note = f"{found}, writes as {found.from_name}" if found else ""
    if found and found.is_demo:
        note += ". For practice: its mails never leave this machine."
    return Step(
        key="mailbox",
        title="Connect a mailbox",
        why="Mail leaves from your own account, slowly enough to be welcome, and answers are read there.",
        done=found is not None,
        note=note,
        route="mailbox-add",
        button=_wording(found),
        least=Role.MANAGER,
    )


def _wording(found: Mailbox | None) -> str:
    if found is None:
        return "Connect a mailbox"
    return "Connect your own mailbox" if found.is_demo else "Connect another mailbox"


def _people() -> Step:
    return Step(
        key="people",
        title="Bring in people",
        why="A sheet with addresses is enough to begin with; more columns make better mails.",
        done=Prospect.objects.filter(is_demo=False).exists(),
        route="import-new",
        button="Import a sheet",
    )


def _campaign() -> Step:
    mine = Campaign.objects.filter(is_demo=False, rehearsal_of=None)
    launched = mine.filter(launched_at__isnull=False).order_by("id").first()
    return Step(
        key="campaign",
        title="Launch the first campaign",
        why="Write a few mails, rehearse them to yourself, then launch. You can pause at any moment.",
        done=launched is not None,
        note=str(launched) if launched else "",
        route="campaign-new",
        button="New campaign",
    )


@require_safe
def setup(request: HttpRequest) -> HttpResponse:
    """The steps, the next one open. `?check` asks the public address now; a part is only that answer."""
    public = address(again="check" in request.GET)
    if pages.is_part(request):
        return render(request, "shell/setup_address.html", {"public": public})
    found = steps(public=public)
    following = next((step for step in found if not step.done and not may_wait(step, public)), None)
    page = {
        "steps": found,
        "following": following.key if following else "",
        "done": sum(step.done for step in found),
        "public": public,
        "is_set": following is None,
        "practises": Mailbox.objects.filter(is_demo=True, from_address=practising.ADDRESS).exists(),
    }
    return render(request, "shell/setup.html", page)


def may_wait(step: Step, public: Address) -> bool:
    """An address of this machine is fine for practice: it holds nobody up."""
    return step.key == "address" and public.is_here


@require_http_methods(["GET", "POST"])
def setup_start(request: HttpRequest) -> HttpResponse:
    """Asks, naming what goes, then removes the demo world for good."""
    if onboarding.is_real():
        pages.said(request, "The demo world was removed before: this installation is used for real.")
        return redirect("setup")
    if request.method == "POST":
        try:
            left = leaving.leave(by=caller(request))
        except (DomainError, staging.CannotStage) as error:
            pages.refused(request, str(error))
            return redirect("setup-start")
        pages.said(request, f"The demo world is gone, with {words.people(left.people)} and {_mails(left.messages)}.")
        return redirect("setup")
    return pages.confirm(
        request,
        title="Start for real?",
        text=_what_goes(leaving.count()),
        button="Remove the demo world and start",
        back=reverse("setup"),
    )


def _what_goes(there: leaving.Left) -> str:
    if not (there.people or there.campaigns):
        return "There is no demo world here: nothing is removed, and none will be set up."
    campaigns = "1 demo campaign" if there.campaigns == 1 else f"{there.campaigns:,} demo campaigns"
    return (
        f"This removes {_invented(there.people)}, {_mails(there.messages)} written to them and "
        f"{_answers(there.answers)}, with {campaigns}. Nothing of it is sent from that moment on. "
        "What you entered yourself stays. It can't be undone, and the demo world does not come back."
    )


def _invented(count: int) -> str:
    return "1 invented person" if count == 1 else f"{count:,} invented people"


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count:,} mails"


def _answers(count: int) -> str:
    return "1 answer" if count == 1 else f"{count:,} answers"


class PracticeForm(forms.Form):
    """The address may be left out."""

    from_address = forms.EmailField(
        required=False, error_messages={"invalid": "The address for the practice mailbox is not one."}
    )
    from_name = forms.CharField(
        max_length=100, error_messages={"required": "Say in whose name the practice mailbox writes."}
    )


@require_POST
def setup_practice(request: HttpRequest) -> HttpResponse:
    """Makes the practice mailbox, or finds it, and checks it at once."""
    form = PracticeForm(request.POST)
    if not form.is_valid():
        for sentences in form.errors.values():
            for sentence in sentences:
                pages.refused(request, str(sentence))
        return pages.back_to(request, reverse("setup"))
    said = {name: value for name, value in form.cleaned_data.items() if value}
    try:
        mailbox, wrong = practising.open_mailbox(now=timezone.now(), **said)
    except DomainError as error:
        pages.refused(request, error)
    else:
        _tell(request, mailbox, wrong)
        return pages.back_to(request, f"{reverse('setup')}{'' if wrong else '#next'}")
    return pages.back_to(request, reverse("setup"))


def _tell(request: HttpRequest, mailbox: Mailbox, wrong: list[str]) -> None:
    if wrong:
        pages.refused(request, f"{mailbox} is there, but its servers do not answer yet: {' '.join(wrong)}")
    else:
        pages.said(
            request, f"{mailbox} is ready and writes as {mailbox.from_name}. Its mails never leave this machine."
        )
