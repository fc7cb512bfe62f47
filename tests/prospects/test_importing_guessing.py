"""What columns mean, told from their names and values: the exports of other tools map by themselves."""

import pytest

from prospects.importing.columns import UnreadableHeader
from prospects.importing.guessing import Known, guess, header_place, kind_of

TOOLS = {
    "Instantly": (
        "Email,First Name,Last Name,Company Name,Website,Phone,Personalization,Timestamp Last Contact,Is Unsubscribed",
        "ada@site.example,Ada,Byron,Acme,https://site.example,+49 30 1,Hi,2026-01-05T10:00:00.000Z,FALSE",
        {
            "email": "Email", "first_name": "First Name", "last_name": "Last Name", "company": "Company Name",
            "website": "Website", "contacted_elsewhere_at": "Timestamp Last Contact",
            "do_not_contact": "Is Unsubscribed",
        },
    ),
    "Smartlead": (
        "first_name,last_name,email,phone_number,company_name,website,location,linkedin_profile,company_url,"
        "is_unsubscribed",
        "Ada,Byron,ada@site.example,123,Acme,site.example,Berlin,https://www.linkedin.com/in/ada,https://site.example,",
        {
            "first_name": "first_name", "email": "email", "company": "company_name", "website": "website",
            "linkedin_url": "linkedin_profile", "do_not_contact": "is_unsubscribed",
        },
    ),
    "Apollo": (
        "First Name,Last Name,Title,Company,Company Name for Emails,Email,Email Status,Contact Owner,# Employees,"
        "Person Linkedin Url,Website,Company Linkedin Url,Twitter Url,City,Country,Stage,Lists,Last Contacted,"
        "Secondary Email",
        "Ada,Byron,Editor,Acme,Acme,ada@site.example,Verified,manager,120,http://www.linkedin.com/in/ada,"
        "http://site.example,http://www.linkedin.com/company/acme,https://twitter.com/ada,Berlin,Germany,Cold,June,"
        "2026-02-01,ada2@site.example",
        {
            "first_name": "First Name", "last_name": "Last Name", "job_title": "Title", "company": "Company",
            "email": "Email", "linkedin_url": "Person Linkedin Url", "website": "Website", "x_handle": "Twitter Url",
            "country": "Country", "stage": "Stage", "tags": "Lists", "contacted_elsewhere_at": "Last Contacted",
            "other_emails": "Secondary Email", "owner": "Contact Owner",
        },
    ),
    "Hunter": (
        "Domain name,Organization,Email address,Type,Confidence score,First name,Last name,Position,Twitter handle,"
        "LinkedIn URL,Phone number,Country",
        "site.example,Acme,ada@site.example,personal,97,Ada,Byron,Editor,ada,https://www.linkedin.com/in/ada,,DE",
        {
            "website": "Domain name", "company": "Organization", "email": "Email address", "first_name": "First name",
            "job_title": "Position", "x_handle": "Twitter handle", "linkedin_url": "LinkedIn URL", "country": "Country",
        },
    ),
    "BuzzStream": (
        "First Name,Last Name,Email 1,Email 2,Company,Website URL,Twitter,Relationship Stage,Assigned To,Tags,Notes,"
        "Last Communication Date",
        "Ada,Byron,ada@site.example,a@b.example,Acme,http://site.example,@ada,Attempted to Reach,manager,blog,Nice,"
        "02/25/2026",
        {
            "first_name": "First Name", "email": "Email 1", "other_emails": "Email 2", "company": "Company",
            "website": "Website URL", "x_handle": "Twitter", "stage": "Relationship Stage", "owner": "Assigned To",
            "tags": "Tags", "note": "Notes", "contacted_elsewhere_at": "Last Communication Date",
        },
    ),
    "Pitchbox": (
        "Partner URL,Partner Category,Contact Email,Contact First Name,Contact Last Name,Company,Date Sent,Status",
        "https://site.example,Tech,ada@site.example,Ada,Byron,Acme,2026-01-31,Responded",
        {
            "website": "Partner URL", "email": "Contact Email", "first_name": "Contact First Name",
            "last_name": "Contact Last Name", "company": "Company", "contacted_elsewhere_at": "Date Sent",
            "stage": "Status",
        },
    ),
}  # fmt: skip


def meant(header, *rows, known=None, mapping=None):
    """What each header was taken for, those of a field of its own left out."""
    found = guess(header, rows, known=known, mapping=mapping).columns
    return {target: name for name, target in zip(found.headers, found.targets, strict=True) if target[:7] != "custom."}


@pytest.mark.parametrize("tool", TOOLS)
def test_maps_the_exports_of_other_tools_by_itself(tool):
    header, row, wanted = TOOLS[tool]
    known = Known(is_owner=lambda text: text == "manager")
    found = meant(header.split(","), row.split(","), known=known)
    assert {field: found.get(field) for field in wanted} == wanted


@pytest.mark.parametrize(
    "header",
    [
        "Vorname,Nachname,E-Mail-Adresse,Firma,Webseite,Land",
        "Prénom,Nom,Courriel,Entreprise,Site web,Pays",
        "Nombre,Apellidos,Correo electrónico,Empresa,Sitio web,País",
        "Nome,Cognome,Indirizzo email,Azienda,Sito web,Paese",
        "first name,LAST NAME,E-Mail,Organisation,url,Country",
    ],
)
def test_knows_five_languages(header):
    found = meant(header.split(","), ["Ada", "Byron", "ada@site.example", "Acme", "site.example", "FR"])
    assert list(found) == ["first_name", "last_name", "email", "company", "website", "country"]


def test_takes_the_column_that_holds_addresses_whatever_it_is_called():
    rows = [[f"ada{n}@site.example", "Ada", "yes"] for n in range(5)]
    assert meant(["Contact", "Name", "Mail"], *rows) == {"email": "Contact", "full_name": "Name"}
    assert meant(["Foo", "Name", "x"], *rows)["email"] == "Foo"


def test_takes_further_columns_of_addresses_for_further_addresses():
    found = guess(["Email", "E-mail", "Work"], [["a@a.example", "b@a.example", "c@a.example"]]).columns
    assert found.targets == ("email", "other_emails", "other_emails")


def test_wants_values_to_bear_a_name_out():
    rows = [["ada@site.example", "blue", "Tom", "soon"]]
    found = guess(["Email", "Status", "Owner", "Contacted"], rows).columns
    assert found.targets == ("email", "custom.status", "custom.owner", "custom.contacted")


def test_sees_pages_of_linkedin_and_x_in_any_column():
    rows = [["ada@site.example", "https://www.linkedin.com/in/ada", "https://x.com/ada"]]
    assert guess(["Email", "URL", "Social"], rows).columns.targets == ("email", "linkedin_url", "x_handle")


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["Outreach 2025"], [], ["Name", "Email", "Site"], ["Ada", "a@a.example", "a.example"]], 2),
        ([["Blog list", "", ""], ["as of", "May", ""], ["Site", "E-Mail", "Note"], ["a.example", "", "x"]], 2),
        ([["Email"], ["a@a.example"]], 0),
        ([["foo", "bar"], ["a@a.example", "b"]], 0),
        ([["a@a.example", "Ada"], ["b@a.example", "Email"]], 0),
    ],
)
def test_finds_the_line_of_names_under_titles(rows, place):
    assert header_place(rows) == place


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("Followers", ["1,200", "300", "n/a"], "number"),
        ("Price", ["3,50", "10"], "number"),
        ("Zip", ["50667", "10115"], "text"),
        ("Code", ["007"], "text"),
        ("Mobile", ["+49301"], "text"),
        ("Since", ["2026-01-31", "2026-02-01 10:00"], "date"),
        ("Newsletter", ["yes", "No", ""], "boolean"),
        ("Rank", ["1", "0"], "number"),
        ("Plan", ["gold", "1"], "text"),
        ("Empty", [], "text"),
    ],
)
def test_tells_what_a_field_of_its_own_holds(header, values, kind):
    assert kind_of(header, [value for value in values if value]) == kind


@pytest.mark.parametrize(
    ("dates", "order", "is_doubtful"),
    [
        (["03/04/2026", "25/12/2025"], "day", False),
        (["03/04/2026", "12/25/2025"], "month", False),
        (["03/04/2026"], "month", True),
        (["03.04.2026"], "day", False),
        (["2026-04-03", "45995"], "day", False),
        (["25/12/2025", "12/25/2025"], "day", True),
    ],
)
def test_tells_the_order_of_dates_from_the_column_as_a_whole(dates, order, is_doubtful):
    rows = [["a@a.example", value] for value in dates]
    found = guess(["Email", "Last mailed"], rows)
    assert found.columns.targets[1] == "contacted_elsewhere_at"
    assert (found.order, found.is_doubtful) == (order, is_doubtful)


def test_refuses_a_first_line_that_is_a_person():
    with pytest.raises(UnreadableHeader, match="the first line must name the columns"):
        guess(["ada@a.example", "Ada"], [["berta@a.example", "Berta"]])


def test_reads_a_row_by_its_columns():
    header = ["Email", "Name", "Mail 2", "Status", "Last mailed", "Size", "VIP", "Tags", "Labels", "DNC"]
    rows = [["a@a.example; b@a.example", "Byron, Ada", "c@a.example", "Unsubscribed", "25/12/2025", "1.200,5", "ja",
             "x", "y", "n/a"]]  # fmt: skip
    known = Known(kinds={"size": "number", "vip": "boolean"})
    mapping = {"Mail 2": "other_emails", "Size": "custom.size", "VIP": "custom.vip"}
    assert guess(header, rows, known=known, mapping=mapping).columns.values(rows[0]) == {
        "email": "a@a.example",
        "other_emails": ["b@a.example", "c@a.example"],
        "first_name": "Ada",
        "last_name": "Byron",
        "stage": "declined",
        "contacted_elsewhere_at": "2025-12-25T00:00:00+00:00",
        "custom": {"size": 1200.5, "vip": True},
        "tags": "x,y",
        "do_not_contact": "yes",
    }


def test_gives_back_what_an_export_marked_as_text():
    columns = guess(["Email", "Firm"], [["a@a.example", "x"]], mapping={"Firm": "company"}).columns
    assert columns.values(["'+a@a.example", "'=1+1"]) == {"email": "+a@a.example", "company": "=1+1"}
    assert columns.named(["a@a.example", "''quoted"]) == {"Email": "a@a.example", "Firm": "'quoted"}
