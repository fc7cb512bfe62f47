"""What a person wrote, without the mail they answer: line by line, in bounded time."""

import re

from integrations.reading.parts import Parts
from integrations.reading.vocabulary import any_of

CHARACTERS = 20_000
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")
LINES = 2_000
ADDRESS_OR_DATE = re.compile(r"@|\d{1,2}[:.]\d\d|\b(?:19|20)\d\d\b")
# "On … wrote:" in its many forms: a line, or two or three, with a verb of writing, a name or date, and a colon.
WROTE = any_of(
    *(r"\bwrote\b", r"\bschrieb\b", "a écrit", "escribió", "escreveu", "ha scritto", r"\bschreef\b", "geschreven"),
    *(r"\bskrev\b", "napisał", "пишет", "написал", "пише", "写道", "寫道", "のメール", "작성", "yazdı"),
    *("さん(?:は)?書きました", "於.*写", r"于\d{4}年"),
)
ORIGINAL = any_of(
    r"^\s*-{2,}\s*(?:original|forwarded|ursprüngliche|weitergeleitete|message|mensaje|mensagem|messaggio|oorspronkelijk"
    r"|ursprungligt|wiadomość|исходное|пересыл|оригінал|转发|原始|元の|원본|orijinal|orjinal|missatge)",
    r"^\s*_{10,}\s*$",
    r"^\s*-{2,}\s*(?:original message|urspr)",
)
FIELD = any_of(
    r"^\s*\*?(?:from|von|de|da|van|från|od|от|від|发件人|寄件者|差出人|보낸 ?사람|kimden|gönderen)\*?\s*[:：]",
)
NEXT_FIELD = any_of(
    r"^\s*\*?(?:sent|date|to|gesendet|datum|an|envoyé|date|à|enviado|fecha|para|data|inviato|a|verzonden|aan|skickat|till"
    r"|wysłano|do|отправлено|дата|кому|надіслано|发送时间|日期|收件人|送信日時|宛先|보낸 ?날짜|날짜|받는"
    r"|gönderildi|tarih|kime)\*?\s*[:：]",
)
SIGNATURE = re.compile(r"^(?:--|__|—)\s*$")
DEVICE = any_of(
    *("^sent (?:from|with|via) ", "^get outlook for", "^von meinem .* gesendet", "^gesendet (?:von|mit)"),
    *("^envoyé de(?:puis)? ", "^enviado (?:desde|do|de|a partir)"),
    *("^inviato da", "^verzonden (?:vanaf|met)", "^skickat från", "^wysłan[eo] z", "^отправлено (?:с|из)"),
    *("^надіслано з", "^(?:发|發)自我的", "(?:iPhone|Android)から送信"),
    *("에서 보냄", "gönderildi$", "^yahoo mail"),
)


def own_words(mail: Parts) -> str:
    """The person's text without quote, signature line or device line, at most 20,000 characters.

    The plain part where there is one; of HTML what is not marked as a quote. Never empty-handed by mistake: a text
    that looks like nothing but a quote is given back whole only when it quotes nothing by sign.
    """
    plain = mail.text if mail.has_plain_text else mail.html_as_text(clean=True)
    return "\n".join(_own_lines(plain[: CHARACTERS * 5].split("\n")[:LINES])).strip()[:CHARACTERS]


def _own_lines(lines: list[str]) -> list[str]:
    kept: list[str] = []
    index, signed = 0, False
    while index < len(lines):
        line = lines[index].strip("\u200b\ufeff \t\xa0")[:2_000]
        index += 1
        if line.startswith((">", "|")):
            signed = False  # an answer may go on below the quote
            continue
        taken = _attribution(line, lines[index : index + 2])
        if taken:
            index += taken - 1
            if not _quoted_by_sign(lines[index : index + 8]):
                break  # what follows is the quote, unmarked
            signed = False
            continue
        if ORIGINAL.search(line) or (FIELD.search(line) and any(map(NEXT_FIELD.search, lines[index : index + 3]))):
            break
        signed = signed or bool(SIGNATURE.match(line)) or bool(DEVICE.search(line))
        if not signed:
            kept.append(line)
    return kept


def _attribution(line: str, following: list[str]) -> int:
    """How many lines from here on say who wrote what is quoted; 0 when none do. A gap ends the search."""
    text = rest = ""
    for taken, part in enumerate((line, *map(str.strip, following)), start=1):
        if not part or len(text) > 400:
            return 0
        text, rest = f"{text} {part}", f"{rest} {part}" if taken > 1 else ""
        if part.endswith((":", "：")) and WROTE.search(text) and ADDRESS_OR_DATE.search(text):
            # Does it begin only below? Then this line is the person's, unless it is the "On <date>" of a folded one.
            below = WROTE.search(rest) and ADDRESS_OR_DATE.search(rest)
            begins_here = ADDRESS_OR_DATE.search(line) and not line.endswith(SENTENCE_ENDS)
            return taken if begins_here or not below else 0
    return 0


def _quoted_by_sign(lines: list[str]) -> bool:
    written = [line.strip() for line in lines if line.strip()]
    return bool(written) and written[0].startswith((">", "|"))
