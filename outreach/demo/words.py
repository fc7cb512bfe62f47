"""What the demo's recipients say, in their languages, and what the demo campaign says to them."""

from datetime import date

from outreach.demo.behaviour import Habit

ANSWERS: dict[Habit, dict[str, str]] = {
    Habit.POSITIVE: {
        "en": "Hi,\n\nthis sounds interesting. Yes, please send me the details and the commission plan.\n\nBest,",
        "de": "Hallo,\n\ndas klingt interessant! Gerne, schicken Sie mir bitte mehr Informationen.\n\nViele Grüße",
        "fr": "Bonjour,\n\ncela m'intéresse. Oui, envoyez-moi plus d'informations.\n\nBien à vous,",
        "es": "Hola:\n\nme interesa. Sí, por favor, envíeme más información.\n\nUn saludo,",
        "it": "Buongiorno,\n\nsono interessata. Sì, mi mandi pure maggiori informazioni.\n\nCordiali saluti,",
        "pt": "Olá,\n\ntenho interesse. Sim, por favor envie mais informações.\n\nAbraço,",
        "nl": "Hallo,\n\ndit klinkt interessant. Graag, stuur me meer informatie.\n\nGroeten,",
    },
    Habit.NEGATIVE: {
        "en": "Hello,\n\nthank you, but I am not interested. This is not a fit for us at the moment.\n\nRegards,",
        "de": "Guten Tag,\n\nvielen Dank, aber wir haben kein Interesse.\n\nMit freundlichen Grüßen",
        "fr": "Bonjour,\n\nmerci, mais je ne suis pas intéressé.\n\nCordialement,",
        "es": "Hola:\n\ngracias, pero no me interesa.\n\nSaludos,",
        "it": "Buongiorno,\n\ngrazie, ma non sono interessato.\n\nSaluti,",
        "pt": "Olá,\n\nobrigado, mas não tenho interesse.\n\nCumprimentos,",
        "nl": "Hallo,\n\nbedankt, maar geen interesse.\n\nGroeten,",
    },
    Habit.QUESTION: {
        "en": "Hi,\n\nhow long does your cookie last, and when do you pay out?\n\nThanks,",
        "de": "Hallo,\n\nwie hoch ist die Provision, und wann wird sie ausgezahlt?\n\nDanke",
        "fr": "Bonjour,\n\nquelle est la commission, et quand payez-vous ?\n\nMerci,",
        "es": "Hola:\n\n¿cuánto es la comisión y cuándo se paga?\n\nGracias,",
        "it": "Buongiorno,\n\nquanto è la commissione, e quando pagate?\n\nGrazie,",
        "pt": "Olá,\n\nqual é a comissão e quando pagam?\n\nObrigada,",
        "nl": "Hallo,\n\nhoe hoog is de commissie, en wanneer betalen jullie?\n\nBedankt,",
    },
    Habit.REMOVAL: {
        "en": "Please take me off your list.",
        "de": "Bitte nehmen Sie mich aus Ihrem Verteiler.",
        "fr": "Retirez-moi de votre liste, s'il vous plaît.",
        "es": "Quiero darme de baja de su lista. Gracias.",
    },
}
ABSENCES: dict[str, tuple[str, str]] = {
    "en": ("Out of office", "I am out of the office and will return on {back}. I will answer your message then."),
    "de": ("Abwesenheitsnotiz", "ich bin derzeit nicht im Büro und ab dem {back} wieder erreichbar."),
    "fr": ("Réponse automatique", "Je suis absent du bureau. Je serai de retour le {back}."),
    "es": ("Respuesta automática", "Estoy fuera de la oficina. Estaré de vuelta el {back}."),
}
DATES = {"en": "{0:%Y-%m-%d}", "de": "{0:%d.%m.%Y}", "fr": "{0:%d/%m/%Y}", "es": "{0:%d/%m/%Y}"}


def answer(habit: Habit, language: str) -> str:
    """The answer in this language, in English where the person's language is not spoken here."""
    known = ANSWERS[habit]
    return known.get(language, known["en"])


def absence(language: str, *, back: date) -> tuple[str, str]:
    """Subject and text of an out-of-office, with the date of return as people there write it."""
    language = language if language in ABSENCES else "en"
    subject, text = ABSENCES[language]
    return subject, text.format(back=DATES[language].format(back))
