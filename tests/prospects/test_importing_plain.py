"""The short way through a sheet and the long one: the same answer for whatever stands in it."""

from hypothesis import example, given
from hypothesis import strategies as st

from prospects.importing.columns import Columns
from prospects.importing.plain import Plain
from prospects.importing.records import Record
from prospects.importing.rows import How, Rows, Sorted
from prospects.importing.staging import line_of

TARGETS = (
    *("email", "first_name", "last_name", "company", "website", "x_handle", "linkedin_url", "country", "time_zone"),
    *("tags", "kind", "source", "custom.size", "custom.since", "full_name", "contacted_elsewhere_at", "stage"),
    *("do_not_contact", "note", "legal_basis", "language"),
)
READS = tuple({"custom.since": "number", "contacted_elsewhere_at": "day"}.get(target, "") for target in TARGETS)
COLUMNS = Columns(TARGETS, TARGETS, READS)
COMMON = st.sampled_from(
    [
        "",
        " ",
        "n/a",
        "-",
        "x",
        "'",
        "''x",
        "=1+1",
        'a "b"',
        "back\\slash",
        "tab\there",
        "Zoë\u00a0",
        "\ud800",
        "no",
        "1",
    ]
)
LOCALS = ["anna", "A.nna+Tag", "a_b-c", "info", "no.reply", "+x", "ä", "a..b", "x" * 65, "o'hara"]
DOMAINS = [
    *("a.example", "Blog.A.example", "gmail.com", "GoogleMail.com", "pm.me", "yahoo.de", "me.com", "x.fastmail.com"),
    *("münchen.de", "xn--mnchen-3ya.de", "mailinator.com", "a.test", "localhost", "1.2.3.4", "a-.example", "a.co.uk"),
]
ADDRESSES = st.builds("{}@{}".format, st.sampled_from(LOCALS), st.sampled_from(DOMAINS))
WEBSITES = st.sampled_from(
    [
        *(
            "shop.example",
            "https://www.shop.example/x?a=1#b",
            "HTTP://a.example",
            "http://x.com/me",
            "www.uk",
            "www.co.uk",
        ),
        *("a.example/b://c", "a.example:80", "a b.example", "https://", "youtube.com/@x", "ä.example", "blog.a.co.uk/"),
    ]
)
PAGES = st.sampled_from(
    [
        "https://www.linkedin.com/in/Anna-S/",
        "linkedin.com/in/a",
        "de.linkedin.com/in/a",
        "linkedin.com/company/a",
        "anna",
    ]
)
CELLS = {
    "email": ADDRESSES | COMMON | st.builds("{}; {}".format, ADDRESSES, ADDRESSES),
    "website": WEBSITES | COMMON,
    "x_handle": st.sampled_from(["@anna", "anna", "na", "https://x.com/anna", "a" * 21]) | COMMON,
    "linkedin_url": PAGES | COMMON,
    "country": st.sampled_from(["Germany", "fr", "US", "Nowhere"]) | COMMON,
    "time_zone": st.sampled_from(["Europe/Berlin", "Mars"]) | COMMON,
    "tags": st.sampled_from(["a,b", "a|a", 'it\'s, "b"']) | COMMON,
    "kind": st.sampled_from(["creator", "Person", "robot"]) | COMMON,
    "stage": st.sampled_from(["contacted", "unsubscribed"]) | COMMON,
    "contacted_elsewhere_at": st.sampled_from(["2026-03-01", "1.3.2026", "soon"]) | COMMON,
    "do_not_contact": st.sampled_from(["yes", "no"]) | COMMON,
    "language": st.sampled_from(["en", "pt_br", "english!"]) | COMMON,
}
NAMES = COMMON | st.text(max_size=12) | st.just("n" * 101)
ROWS = st.lists(
    st.tuples(*(CELLS.get(target, NAMES) for target in TARGETS)).map(list)
    # Most rows hold little, and then one cell that is special: the rest of the row must not hide it.
    | st.tuples(ADDRESSES, st.integers(1, len(TARGETS) - 1), NAMES).map(
        lambda said: [said[0], *(said[2] if place == said[1] else "" for place in range(1, len(TARGETS)))]
    ),
    min_size=1,
    max_size=8,
)


@given(ROWS)
@example([["anna@a.example", *[""] * (len(TARGETS) - 1)], ["anna@a.example"]])
def test_reads_plain_rows_as_the_others(rows):
    how = How(source="fair", tags=("june", "a"))
    slow = Rows(COLUMNS, how)
    plain = Plain(COLUMNS).lines(rows)
    for row, line in zip(rows, plain, strict=True):
        if line is None:
            continue
        done = Sorted()
        read, reason = slow.read(Record(1, row), done)
        assert (reason, done.stops, done.research) == ("", [], [])
        assert (read.others, read.note, read.stage, read.owner_id) == ([], "", "", None)
        assert line == line_of(read)


def test_finds_most_rows_plain():
    columns = Columns(("a", "b", "c"), ("email", "first_name", "website"))
    rows = [["anna.smith@blog.example", "Zoë", "https://www.blog.example/x"], ["a+b@gmail.com", "", ""]] * 5
    assert None not in Plain(columns).lines(rows)
