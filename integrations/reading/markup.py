"""HTML mail as the text a person sees."""

import re

from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html

LARGEST = 300_000  # characters
QUOTES = (
    "//blockquote | //*[contains(@class, 'gmail_quote')] | //*[contains(@class, 'gmail_signature')]"
    " | //*[contains(@class, 'moz-cite-prefix')] | //*[contains(@class, 'moz-signature')]"
    " | //*[contains(@class, 'yahoo_quoted')] | //*[@id='divRplyFwdMsg'] | //*[@id='appendonsend']"
)
UNSEEN = "//script | //style | //head | //title"
TAGS = re.compile(r"<[^>]{0,2000}>")


def text_of(markup: str, *, clean: bool) -> str:
    """The text of an HTML part; `clean` leaves out quotes and signatures that are marked as such. Never fails."""
    try:
        tree = lxml_html.document_fromstring(markup[:LARGEST].encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
        for found in tree.xpath(UNSEEN + (" | " + QUOTES if clean else "")):
            if found.getparent() is not None:
                found.drop_tree()
        text = str(Inscriptis(tree, ParserConfig()).get_text())
        return text if clean or text.strip() else TAGS.sub(" ", markup[:LARGEST])
    except (etree.LxmlError, ValueError, AssertionError, RecursionError, LookupError, TypeError, AttributeError):
        return TAGS.sub(" ", markup[:LARGEST])
