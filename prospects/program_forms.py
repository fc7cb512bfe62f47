"""The form of a program, each field with why it is needed."""

from django import forms


class ProgramForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What you call it here, and what mails may call it.")
    merchant = forms.CharField(max_length=200, required=False, help_text="The shop or brand behind it.")
    website = forms.URLField(
        required=False,
        assume_scheme="https",
        widget=forms.TextInput(attrs={"inputmode": "url"}),  # a browser's own check would refuse www.example.com
        help_text="Where people can read about it; mails may link to it.",
        error_messages={"invalid": "This is no web address."},
    )
    postal_address = forms.CharField(
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stands in every mail: the law wants to know who writes (in the USA the CAN-SPAM Act, section 5). "
        "Without it no campaign can be launched.",
        error_messages={"required": "Every mail must say where its sender can be reached by post."},
    )
