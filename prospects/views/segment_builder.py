"""Making a segment of conditions: groups of rows, with who is in it beside them; the rule as a text for experts."""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.callers import caller
from outreach.lib import pages
from outreach.lib.errors import DomainError
from prospects import counting, listing, offering, segments
from prospects.models import Segment
from prospects.offering import Offer
from prospects.segments import BadFilter, composing, naming, saving, wording
from prospects.segments.composing import Group, Row, Sheet

SAMPLE = 10
MOST_TEXT = 100_000
ROW = re.compile(r"g(\d{1,3})-r(\d{1,3})-field")
JOINS = {"all": "all of these are so", "any": "any of these is so", "none": "none of these is so"}
TOGETHER = {"all": "and", "any": "or"}


@dataclass(frozen=True)
class Draft:
    """What the form says: rows, or the rule as a text (`sheet` is None); `problem` is what is wrong with the text."""

    name: str
    rule: Any
    sheet: Sheet | None
    text: str
    problem: str = ""


@require_http_methods(["GET", "POST"])
def segment_add(request: HttpRequest) -> HttpResponse:
    """A new one; it begins as the list that one comes from (its query string)."""
    rule = listing.as_rule(listing.read(request.GET))
    return _build(request, None, rule)


@require_http_methods(["GET", "POST"])
def segment_edit(request: HttpRequest, id: Any) -> HttpResponse:
    """One that is there."""
    segment = get_object_or_404(Segment, public_id=id)
    return _build(request, segment, segment.filter)


@require_POST
def segment_try(request: HttpRequest) -> HttpResponse:
    """Who is in what the form says now: how many and ten of them. Nothing is saved."""
    offer = offering.offer()
    draft = read(request.POST, offer)
    return render(request, "prospects/segment_try.html", tried(draft, offer))


def _build(request: HttpRequest, segment: Segment | None, rule: Any) -> HttpResponse:
    offer = offering.offer()
    if request.method != "POST":
        draft = of_rule(rule, offer, name=segment.name if segment else "")
        return _page(request, draft, offer, segment)
    draft = changed(read(request.POST, offer), request.POST.get("do", ""), offer)
    if pages.is_part(request):
        return render(request, "prospects/segment_rows.html", rows_shown(draft, offer))
    return (
        _saved(request, draft, offer, segment)
        if request.POST.get("do") == "save"
        else _page(request, draft, offer, segment)
    )


def _saved(request: HttpRequest, draft: Draft, offer: Offer, segment: Segment | None) -> HttpResponse:
    wrong = draft.problem or (draft.sheet and composing.problems(draft.sheet, offer.kinds))
    if wrong:
        return _page(request, draft, offer, segment, status=400)
    try:
        if segment is None:
            segment = saving.add_segment(name=draft.name, rule=draft.rule, by=caller(request))
        else:
            saving.change_segment(segment=segment, name=draft.name, rule=draft.rule)
    except DomainError as error:
        return _page(request, draft, offer, segment, refused=error, status=400)
    pages.said(request, f"The segment {segment} is saved.")
    return redirect("segment", segment.public_id)


def _page(
    request: HttpRequest,
    draft: Draft,
    offer: Offer,
    segment: Segment | None,
    refused: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    said = {problem.field: problem.message for problem in refused.problems} if refused else {}
    context = {
        "segment": segment,
        "name_problem": said.pop("name", ""),
        "other_problems": list(said.values()),
        **rows_shown(draft, offer, unsaid=status != 200),
        **tried(draft, offer),
    }
    return render(request, "prospects/segment_builder.html", context, status=status)


# --- What the form says ---
def of_rule(rule: Any, offer: Offer, *, name: str) -> Draft:
    """A rule as the form shows it first."""
    try:
        segments.check(rule)
    except BadFilter as error:
        return Draft(name, {}, None, _as_text(rule), str(error))
    return Draft(name, rule, composing.rows_of(rule, offer.kinds), _as_text(rule))


def _as_text(rule: Any) -> str:
    return json.dumps(rule, ensure_ascii=False, indent=2)


def read(said: QueryDict, offer: Offer) -> Draft:
    """What was posted."""
    name = said.get("name", "")
    if said.get("mode") == "text" or said.get("do") == "text":
        return _of_text(said.get("text", ""), name)
    sheet = _sheet(said)
    rule = composing.rule_of(sheet, offer.kinds)
    return Draft(name, rule, sheet, _as_text(rule))


def _of_text(text: str, name: str) -> Draft:
    try:
        rule = json.loads(text[:MOST_TEXT])
        segments.check(rule)
    except BadFilter as error:
        return Draft(name, {}, None, text, str(error))
    except (ValueError, RecursionError) as error:
        return Draft(name, {}, None, text, f"This can't be read as JSON: {error}.")
    return Draft(name, rule, None, text)


def _sheet(said: QueryDict) -> Sheet:
    found: dict[int, dict[int, Row]] = {}
    for key in said:
        if match := ROW.fullmatch(key):
            group, place = int(match[1]), int(match[2])
            at = f"g{group}-r{place}"
            is_same = said.get(f"{at}-was") in (None, said[key])  # what was said of one field is nothing of another
            values = tuple(said.getlist(f"{at}-value")) if is_same else ()
            row = Row(str(said[key]), said.get(f"{at}-op", ""), values, said.get(f"{at}-unit", "days"))
            found.setdefault(group, {})[place] = row
    groups = [
        Group(_one_of(JOINS, said.get(f"g{group}-join")), tuple(row for _, row in sorted(rows.items())))
        for group, rows in sorted(found.items())
    ]
    return Sheet(_one_of(TOGETHER, said.get("join")), tuple(groups)) if groups else composing.EMPTY


def _one_of(known: dict[str, str], word: str | None) -> str:
    return word if word in known else "all"


def changed(draft: Draft, do: str, offer: Offer) -> Draft:
    """After one of the form's buttons: a row or a group more or less, rows instead of the text, fitting ops."""
    if do == "text":
        sheet = None if draft.problem else composing.rows_of(draft.rule, offer.kinds)
        return replace(draft, sheet=sheet)
    if draft.sheet is None:
        return draft
    sheet = _fitting(_moved(draft.sheet, do), offer)
    rule = composing.rule_of(sheet, offer.kinds)
    return Draft(draft.name, rule, sheet, _as_text(rule))


def _moved(sheet: Sheet, do: str) -> Sheet:
    word, _, place = do.partition(":")
    numbers = [int(number) for number in place.split(":") if number.isdecimal() and len(number) < 4]
    groups = list(sheet.groups)
    if word == "group" and len(groups) < composing.MOST_GROUPS:
        groups.append(Group("any", (Row(),)))
    elif word == "add" and numbers and numbers[0] < len(groups):
        group = groups[numbers[0]]
        if len(group.rows) < composing.MOST_ROWS:
            groups[numbers[0]] = replace(group, rows=(*group.rows, Row()))
    elif word == "remove" and len(numbers) == 2 and numbers[0] < len(groups):
        group = groups[numbers[0]]
        rows = tuple(row for number, row in enumerate(group.rows) if number != numbers[1])
        groups[numbers[0]] = replace(group, rows=rows)
        groups = [group for group in groups if group.rows]
    return replace(sheet, groups=tuple(groups)) if groups else composing.EMPTY


def _fitting(sheet: Sheet, offer: Offer) -> Sheet:
    """Each row with an op that its field has: another field may have been chosen."""
    groups = []
    for group in sheet.groups:
        rows = []
        for row in group.rows:
            known = offer.ops(row.field)
            row = row if not known or row.op in known else replace(row, op=next(iter(known)))
            is_unsaid = not row.values and composing.widget(row, offer.kinds) == "flag"
            rows.append(replace(row, values=("yes",)) if is_unsaid else row)
        groups.append(replace(group, rows=tuple(rows)))
    return replace(sheet, groups=tuple(groups))


# --- What the page shows ---
def rows_shown(draft: Draft, offer: Offer, *, unsaid: bool = False) -> dict[str, Any]:
    """What `prospects/segment_rows.html` needs."""
    problems = composing.problems(draft.sheet, offer.kinds, unsaid=unsaid) if draft.sheet else {}
    shown = []
    for number, group in enumerate(draft.sheet.groups if draft.sheet else ()):
        rows = [
            {
                "at": f"g{number}-r{place}",
                "place": f"{number}:{place}",
                "row": row,
                "ops": offer.ops(row.field),
                "widget": composing.widget(row, offer.kinds),
                "choices": (choices := offer.choices_of(row.field)),
                "known": {value for value, _ in choices},
                "is_list": row.op in composing.LISTS,
                "problem": problems.get((number, place), ""),
            }
            for place, row in enumerate(group.rows)
        ]
        shown.append({"number": number, "join": group.join, "rows": rows})
    return {
        "draft": draft,
        "groups": shown,
        "offer": offer,
        "units": composing.UNITS,
        "joins": JOINS,
        "together": TOGETHER,
    }


def tried(draft: Draft, offer: Offer) -> dict[str, Any]:
    """How many and ten of them; while a row is unfinished nothing is counted."""
    if draft.problem or (draft.sheet and composing.problems(draft.sheet, offer.kinds)):
        return {"unfinished": True}
    now = timezone.now()
    found = segments.members(segment=Segment(filter=draft.rule), now=now)
    sample = list(found.select_related("site").order_by("-pk")[: SAMPLE + 1])
    return {
        "count": counting.counted(found, every=sample if len(sample) <= SAMPLE else None),
        "sample": [(person, None) for person in sample[:SAMPLE]],
        "words": wording.words(draft.rule, naming.names_in([draft.rule])),
        "now": now,
    }
