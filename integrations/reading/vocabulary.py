"""The words that tell mails apart, in the languages we meet most; one place to read and to add to."""

import re


def any_of(*alternatives: str) -> re.Pattern[str]:
    """A case-insensitive pattern of alternatives; ^ and $ are the ends of a line."""
    return re.compile("|".join(alternatives), re.IGNORECASE | re.MULTILINE)


# --- Delivery reports ---
DAEMON = any_of("mailer.?daemon")
ROBOT = any_of(
    *("mailer.?daemon", "postmaster", "mail.?delivery", "^mdaemon", "mailer@", "mail.?system"),
    "delivery.?subsystem",
    *("^amavis", "^mmdf", "administrator@", "system.?administrator", r"^bounces?\b"),
)
BOUNCE_SUBJECT = any_of(
    *("undeliver", r"deliver\w* (?:status|fail|problem|error|report|delay|notification)", "returned mail"),
    "failure notice",
    *("(?:mail|message|delivery|e-?mail) (?:delivery )?(?:fail|error|rejected)", "mail (?:could not|not) be"),
    *("could ?n.t be delivered", "non.?deliver", "not delivered", r"bounced?\b", "returned to sender", "rejected"),
    *("delayed", "still being retried", "user unknown", "unzustellbar", "nicht zugestellt"),
    "non (?:remis|distribu)",
    *("no se pudo entregar", "não (?:foi )?entreg", "mancat[ao]", "недостав", "配信", "退信", "반송", "送信できません"),
    *("unknown local", "failed", "warning"),
)
DELAY = any_of(
    *("delayed", "still being retried", "warning only", "will (?:be retried|keep trying|continue to)"),
    *("not yet been delivered", "temporarily undeliver", "delivery attempts will continue"),
)
NO_SUCH_ADDRESS = any_of(
    "recipient address rejected: access denied",  # Exchange Online, with 5.4.1
    "user (?:is )?(?:unknown|not (?:found|known))",
    "unknown (?:user|recipient|address|local.?part|mailbox|or illegal)",
    *("no such (?:user|recipient|mailbox|address|person|account|local)", "does(?: not|n.t) exist"),
    "addressee unknown",
    "(?:mailbox|user|recipient|address|account) (?:was )?(?:could not be |not )found",
    *("no (?:mailbox|account)(?: by that name| here)", "invalid (?:recipient|mailbox)", "null ?mx"),
    "not our customer",
    *(
        "(?:isn.t|not) a (?:known|valid) user",
        "recipient ?not ?found",
        "unrouteable address",
        "user doesn.t have",
        "find a mail exchanger",
    ),
    *(
        "host (?:or domain name )?not found",
        "domain (?:name )?not found",
        "nxdomain",
        "host unknown",
        "invalid domain",
        "no mailbox here",
    ),
)
# Any of these beside it, and it may not be about the address: then nobody is suppressed.
DOUBTFUL = any_of(
    *("full", "quota", "storage", "spam", "block", "black.?list", "deny.?list", "policy", "reputation", "dmarc"),
    *(r"\bspf\b", "dkim", r"\brate\b", "temporar", "too (?:many|fast|much|large|big|old)", "suspend", "disabled"),
    *("inactive", "denied", "relay", "virus", "banned", r"\bptr\b", "reverse", "rdns", "dns ?bl", r"\brbl\b"),
    "sender",
    *("timed? ?out", "try again", "retr(?:y|ies)", "not (?:allowed|permitted|authorized|accepted)"),
    *("refused", "filter"),
    *("reject", "prohibit", "restrict", "limit", "expired", "moved", "loop"),
)
PLAIN_REJECTION = any_of(
    r"(?:recipient address )?rejected: (?:user unknown|undeliverable address|no such|unknown|access denied)",
    "recipient (?:address )?rejected",
)
# Said after the text was seen, or of our own address: then words like "user unknown" need not be about the recipient.
NOT_AT_RCPT = any_of("end of data", "data command", "^>>> ?data", "^data$", "after mail from")
AT_RCPT = any_of("rcpt to", "smtp:rcpt", "^<<< ", "^>>> ?rcpt")
# A local program failed, a disk is full, or a filter or rule of the receiver's speaks like a server would.
OTHER_CAUSE = any_of(
    *("x-unix", "disk space", "active!hunter", "surfcontrol", r"inbound-smtp\.[\w-]+\.amazonaws"),
)


# --- Automatic answers ---
AUTO_SUBJECT = any_of(
    r"^\s*(?:auto|automatic|automatisch)\s*:",
    r"\bauto[\w]*[ -]?(?:repl(?:y|ies)|response|responder|antwoord|antwort|svar|odpowied[źz]|reply)",
    *("réponse automatique", "risposta automatica", "respuesta automática", "resposta automática"),
    "automatická odpověď",
    *("otomatik yanıt", "автоответ", "автоматическ", "автоматична відповідь", "自动回复", "自動応答", "自動返信"),
    *("자동 ?회신", "자동응답"),
    *("out of (?:the )?office", r"\booo\b", "abwesenheit", "außer haus", "absence du bureau"),
    "fuera de la oficina",
    *(
        "fora do escritório",
        "fuori ufficio",
        "afwezig",
        "frånvaro",
        "poza biurem",
        "不在のお知らせ",
        "부재중",
        "ofis dışı",
    ),
    *("accusé de réception", "eingangsbestätigung", "acuse de recibo", "来信已收到", r"^\s*away\s*$", "nieczynne"),
    *(r"\[?ticket\b", "case (?:number|#)", "request received", "we(?:.ve| have)? received your"),
    *("ontvangen:", "chamado recebido"),
)
AWAY = any_of(
    "out of (?:the )?office",
    "(?:i am|i.m) (?:currently )?(?:away|out|on (?:\\w+ )?leave|on holiday|on vacation)",
    *("annual leave", "(?:maternity|paternity|parental|sick) leave", "limited access to (?:my )?e-?mail"),
    "gone fishing",
    *("nicht im (?:büro|haus)", "abwesend", "im urlaub", "in elternzeit", "absente? du bureau", "en congés?"),
    "arrêt maladie",
    *("fuera de la oficina", "de vacaciones", "fora do escritório", "de férias", "fuori ufficio", "in ferie"),
    "afwezig",
    *("met vakantie", "frånvarande", "på semester", "poza biurem", "na urlopie", "urlopie", "в отпуске"),
    "відпустці",
    *("休暇", "不在", "休假", "外出", "휴가", "부재", "izindeyim", "ofis dışında", "yıllık izin"),
)
MACHINE_WRITTEN = any_of(
    *("automat(?:ed|ic(?:ally)?) (?:generated )?(?:message|e-?mail|reply|response)", "do not reply to this"),
    "no longer works",
    *("this (?:mailbox|inbox|address) is (?:not|no longer) monitored", "(?:has|have) left the company"),
    *("系统自动", "请勿直接回复"),
    *(
        "automatisch (?:generiert|erstellt)",
        "ne pas répondre à ce",
        "no responda a este",
        "自動送信",
        "自動配信",
        "발신 ?전용",
    ),
    *("your (?:ticket|request|case) (?:number|has been)", "ticket (?:number|#|id)"),
    "within (?:\\w+ )?(?:business|working) days",
)

# --- Answers of people ---
STOP = any_of(
    *(r"\bunsubscribe\b", "(?:take|remove|delete|drop) (?:me|us|my|this address|our)", "get me off"),
    "opt(?:ing)? (?:me )?out",
    *("stop (?:e-?)?mail", "stop (?:sending|contacting|writing|messaging)"),
    "(?:do not|don.t|never) (?:e-?mail|contact|write)",
    *("no more (?:e-?)?mails?", "leave me alone", "off (?:your|the|this) (?:mailing )?list"),
    "quit (?:e-?)?mailing",
    *("keine (?:weiteren )?(?:e-?)?mails?", "abmelden", "austragen", "aus (?:ihrem|eurem|dem) verteiler"),
    "nicht mehr (?:an)?schreiben",
    *("löschen sie m", "désabonn", "désinscri", "retirez[- ]moi", "retirer de (?:votre|la|cette) liste"),
    *("ne (?:me |nous )?(?:plus )?(?:contacte|écri)", "plus de (?:mails|messages)"),
    *(r"\bdarme de baja", r"\bdarnos de baja", r"\bd[ée]nme de baja", "de baja", "no me (?:escrib|env[ií])"),
    *("quitarme de", "elim[ií]n[ae]\\w* (?:mi|de (?:su|la) lista)"),
    *("descadastr", "remov[ae]\\w* (?:o meu|meu|me|da lista)", "não (?:me )?(?:envi|escrev|contact)"),
    *("cancell?a\\w*mi", "disiscri", "toglie\\w*mi"),
    *("rimuov\\w*", "non (?:mi )?(?:scriv|contatt)", "uitschrijven", "afmelden", "hou op met mailen"),
    *("niet meer mailen", "verwijder (?:mij|me|ons)"),
    *("avregistrera", "avprenumerera", "ta bort (?:mig|oss|min)", "sluta (?:mejla|maila|skicka)", "wypis"),
    *("usun(?:ąć|ięci)", "proszę (?:o )?usuni", "nie pis"),
    *(
        "отпиш",
        "удалите",
        "не пишите",
        "відпиш",
        "видаліть",
        "не пишіть",
        "退订",
        "取消订阅",
        "不要再(?:发|给|联系)",
        "別再",
    ),
    *(
        "配信停止",
        "配信(?:を)?(?:止|解除)",
        "登録解除",
        "送らないで",
        "수신 ?거부",
        "보내지 ?마",
        "listeden çıkar",
        "aboneli\\w+",
    ),
    "bir daha (?:yaz|mail)",
)
LEGAL = any_of(
    *(
        "rgpd",
        "gdpr",
        "dsgvo",
        "kvkk",
        "lgpd",
        r"\buwg\b",
        "can-?spam",
        "droit d.opposition",
        "widerspr",
        "harvested address",
    ),
    *(
        "delete (?:every|all|my|our) (?:address|data)",
        "löschung meiner",
        "effacement",
        "derecho de supresión",
        "silinmesini",
    ),
)
STOP_ALONE = frozenset(
    [
        "stop",
        "unsubscribe",
        "remove",
        "baja",
        "cancel",
        "cancelar",
        "abmelden",
        "désabonner",
        "désinscription",
        "uitschrijven",
        "afmelden",
        "stopp",
        "remover",
        "sair",
        "rimuovi",
        "cancella",
        "wypisz",
        "отписаться",
        "стоп",
        "відписатись",
        "退订",
        "配信停止",
        "수신거부",
        "çık",
        "dur",
        "stop!",
        "остановите",
    ]
)
NO = any_of(
    *("not (?:interested|for (?:us|me)|a (?:good )?fit|relevant)", "no(?:,)? thank", "no interest"),
    "(?:i.ll|we.ll|i will|have to) (?:pass|decline)",
    *(r"\bpass on this", "we don.t (?:do|work)", "we (?:only|no longer)", "decline", "unfortunately"),
    *("good luck", r"so no\b", "do not permit"),
    *("kein(?:e)? (?:interesse|bedarf)", "nicht interessiert", "leider nein", "nein danke", "absagen"),
    "passt (?:leider )?nicht",
    *("pas intéress", "non merci", "ne (?:souhait|plus)", "décliner", "no (?:me|nos) interesa", "no gracias"),
    *("no est(?:oy|amos) interesad", "lamentablemente"),
    *("não (?:tenho|temos) interesse", "não,? obrigad", "infelizmente", "non (?:mi|ci) interessa"),
    *("non (?:(?:sono|siamo) )?(?:\\w+ )?interessat", "no,? grazie", "purtroppo"),
    *("geen (?:interesse|behoefte)", "niet geïnteresseerd", "nee,? (?:dank|bedankt)", "helaas"),
    *("inte intresser", "nej,? tack", "tyvärr", "avstå"),
    *("nie (?:jest|jesteśmy) zainteres", "nie,? dzięk", "niestety", "dziękuję,? ale"),
    *("не (?:интерес|нужно|актуально)", "нет,? спасибо", "к сожалению"),
    *(
        "не цікав",
        "ні,? дякую",
        "на жаль",
        "不感兴趣",
        "不需要",
        "没兴趣",
        "暂不",
        "興味(?:が)?(?:ない|ありません)",
        "お断り",
        "見送",
    ),
    *("관심 ?(?:이 )?없", "거절", "사양"),
    *(
        "ilgilenmiyor",
        "hayır,? teşekkür",
        "maalesef",
        "неактуально",
        "не на часі",
        "non cerchiamo",
        "lasciamo perdere",
        "isn.t something we",
        "we stopped",
        "düşünmüyor",
    ),
)
YES = any_of(
    *(r"\binterested\b", "sounds (?:good|great|interesting)"),
    *("(?:i.d|we.d|would) (?:love|like|be (?:happy|glad|keen))", "send (?:me|us|it|over|the|details)"),
    *("let.s (?:do|talk|chat|set|go)", r"\bcount me in", r"\bi.m in\b", r"\bsign me up", "happy to"),
    *("yes,? please", r"^yes\b", "tell me more", "go ahead", "keen"),
    *("interessiert", "klingt (?:gut|interessant|spannend)", "gerne", "schicken sie", "schick (?:mir|mal)"),
    *("machen wir", r"passt\b", "intéress", "avec plaisir", "volontiers"),
    *("envoyez", "d'accord", "ça marche", "(?:me|nos) interesa", "suena bien", "adelante"),
    *("env[ií]e?(?:n|me|nos|a)", "claro", "tenho interesse", "temos interesse", "manda"),
    *("pode (?:enviar|mandar)", "vamos", "interessa", "volentieri", "mandami", "mi piace", "certo", "leuk"),
    *("graag", "stuur", "interessant", "klinkt (?:goed|leuk)"),
    *("intresserad", "låter (?:bra|kul|intressant)", "gärna", "skicka", "kör", "chętnie", "zainteresowan"),
    *("proszę (?:przesłać|wysłać)", "brzmi"),
    *("интересно", "давайте", "присылайте", "с удовольствием", "готов", "цікаво", "надсилайте"),
    *("із задоволенням", "давай", "感兴趣", "可以", "发(?:给)?我", "发过来", "好的"),
    *(
        "興味(?:が)?(?:あり|ござ)",
        "お願い(?:し|いた)",
        "ぜひ",
        "送って",
        "관심 ?(?:이 )?있",
        "좋습니다",
        "좋아요",
        "보내 ?주",
        "ilgileniyor",
    ),
    *("ilgimi", "gönder", "olur", "memnuniyetle"),
    *(r"\bi.?m in\b", "jasne", "wchodzę", "👍", "nos encaja", "com agrado", "me plaît", "(?:that|this) could work"),
)
