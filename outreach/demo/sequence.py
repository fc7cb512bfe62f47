"""The demo campaign's three messages."""

from dataclasses import dataclass

FOOT_TEXT = """
--
{{ sender_name }}, {{ merchant }}
{{ postal_address }}
No more mail from us: {{ unsubscribe_url }}
"""
FOOT_HTML = """
<p style="color:#666;font-size:13px">{{ sender_name }}, {{ merchant }}<br>{{ postal_address }}<br>
<a href="{{ unsubscribe_url }}">No more mail from us</a></p>
"""


@dataclass(frozen=True)
class Content:
    """One step: minutes after the message before, and what it says. No subject: it goes on in the same thread."""

    name: str
    delay: int
    subject: str
    text: str
    html: str


STEPS = (
    Content(
        name="first contact",
        delay=0,
        subject="{{ company }} and loose-leaf tea",
        text="""Hi {{ first_name }},

I read {{ company }} ({{ site }}) and liked how you write about {{ custom.niche }}. Your readers look like people who
would enjoy a proper cup of tea, so I would like to invite you to the partner program of {{ merchant }}.

You earn 12 % of every first order and 6 % of every later one, the cookie lasts 60 days, and we pay on the 5th of each
month. Everything is on one page: https://lumentea.example/partners

Would you like a sample box to see whether it is for you?
"""
        + FOOT_TEXT,
        html="""<p>Hi {{ first_name }},</p>
<p>I read {{ company }} ({{ site }}) and liked how you write about {{ custom.niche }}. Your readers look like people who
would enjoy a proper cup of tea, so I would like to invite you to the partner program of {{ merchant }}.</p>
<p>You earn 12 % of every first order and 6 % of every later one, the cookie lasts 60 days, and we pay on the 5th of
each month. Everything is on <a href="https://lumentea.example/partners">one page</a>.</p>
<p>Would you like a <a href="https://lumentea.example/samples">sample box</a> to see whether it is for you?</p>
"""
        + FOOT_HTML,
    ),
    Content(
        name="sample box",
        delay=1,
        subject="",
        text="""Hi {{ first_name }},

just a short note: the sample box is free, also without joining. Six teas, one of them from this spring's harvest.
https://lumentea.example/samples

Where should it go?
"""
        + FOOT_TEXT,
        html="""<p>Hi {{ first_name }},</p>
<p>just a short note: the <a href="https://lumentea.example/samples">sample box</a> is free, also
without joining. Six teas, one of them from this spring's harvest.</p>
<p>Where should it go?</p>
"""
        + FOOT_HTML,
    ),
    Content(
        name="last question",
        delay=2,
        subject="",
        text="""Hi {{ first_name }},

I do not want to fill your inbox, so this is my last mail. If {{ custom.niche }} and tea ever meet at {{ company }},
the door is open: https://lumentea.example/partners

All the best,
"""
        + FOOT_TEXT,
        html="""<p>Hi {{ first_name }},</p>
<p>I do not want to fill your inbox, so this is my last mail. If {{ custom.niche }} and tea ever meet at {{ company }},
the door is <a href="https://lumentea.example/partners">open</a>.</p>
"""
        + FOOT_HTML,
    ),
)
