"""Files as people send them."""

import io
from datetime import date, datetime

import openpyxl

MESSY = "Outreach 2025 FINAL (2).xlsx"


def workbook(sheets, hidden=()):
    """An XLSX of named sheets of rows, as bytes."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def messy():
    """Last year's workbook: three sheets of people, each another way, one of prices, and one that is hidden."""
    return workbook(
        {
            "Bloggers": [
                ["Outreach 2025 – bloggers"],
                ["last update: Tom, May"],
                [],
                ["Blog", "Contact", "E-Mail(s)", "Country", "Last mailed", "Do not contact", "Comments", "Followers"],
                ["www.tea-time.example", "Ada Byron", "ada@tea-time.example; info@tea-time.example", "Deutschland",
                 datetime(2026, 3, 1), None, "very nice\nmet in Köln", 12000],
                ["https://coffee.example/about", "Berta Benz", "berta@coffee.example", "UK", date(2025, 11, 3), "x",
                 None, 300.0],
                ["nobody-yet.example", None, None, "France", None, None, "find somebody", None],
                ["broken.example", "Carl", "carl at broken", None, None, None, None, None],
                [None, None, None, None, None, None, None, None],
                ["dora.example", "Dora", "n/a", None, None, None, None, None],
            ],
            "Twitter people": [
                ["Handle", "Name", "Profile", "Status"],
                ["@emil", "Emil", None, "Replied"],
                ["https://twitter.com/frieda", "Frieda", "https://www.linkedin.com/in/frieda", "not interested"],
                [None, "Gustav", "https://linkedin.com/in/gustav/", "new"],
            ],
            "DNC": [
                ["Please never write to these!"],
                ["Address", "Unsubscribed"],
                ["hans@stop.example", "yes"],
                ["ADA@tea-time.example", ""],
            ],
            "Prices": [["Banner", "Price"], ["Top", 100], ["Side", 50]],
            "old": [["Email", "Name"], ["ines@old.example", "Ines"]],
        },
        hidden=["old"],
    )  # fmt: skip
