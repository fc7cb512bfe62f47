"""Invented people on domains of a reserved name (RFC 2606): run as a module, it prints the shipped `prospects.csv`."""

import csv
import io
import random
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

SHIPPED = Path(__file__).with_name("prospects.csv")
COUNT = 300
SEED = 2024


@dataclass(frozen=True)
class Person:
    """One row of the file; the fields are its columns."""

    email: str
    first_name: str
    last_name: str
    company: str
    job_title: str
    website: str
    country: str
    time_zone: str
    language: str
    niche: str
    audience: str


@dataclass(frozen=True)
class Place:
    """Where people come from and how they are called there; `spelled` are the same names in Latin letters."""

    country: str
    time_zone: str
    language: str
    first: str
    last: str
    spelled: str = ""


PLACES = (
    Place("GB", "Europe/London", "en", "Olivia Harry Amelia George", "Whitfield Okafor Hargreaves Bennett"),
    Place("IE", "Europe/Dublin", "en", "Aoife Cillian Niamh Oisín", "Ó Briain|Kavanagh|Ní Chonaill|Doyle"),
    Place("US", "America/New_York", "en", "Madison Jamal Grace Tyler", "Alvarez Washington Kowalski Brooks"),
    Place("US", "America/Los_Angeles", "en", "Chloe Mateo Skyler Jade", "Nguyen Rosenberg Delgado Park"),
    Place("CA", "America/Toronto", "en", "Emily Liam Maya Noah", "Tremblay MacLeod Singh Fraser"),
    Place("AU", "Australia/Sydney", "en", "Matilda Lachlan Ruby Jack", "O'Connor|McKenzie|Tran|Walsh"),
    Place("NZ", "Pacific/Auckland", "en", "Aroha Tane Isla Wiremu", "Ngata Robertson Henare Clarke"),
    Place("DE", "Europe/Berlin", "de", "Jürgen Anneliese Lukas Frauke", "Müller Großmann Schäfer Öztürk"),
    Place("AT", "Europe/Vienna", "de", "Leopold Johanna Matthias Resi", "Hölzl Gruber Steininger Wögerbauer"),
    Place("CH", "Europe/Zurich", "de", "Urs Regula Beat Vreni", "Zürcher Ammann Bärtschi Keller"),
    Place("FR", "Europe/Paris", "fr", "Zoé Benoît Chloé Gaël", "Lefèvre D'Aubigné Nguyễn Garçon"),
    Place("BE", "Europe/Brussels", "fr", "Maëlle Thibault Elise Noé", "Dubois Claes Lambert Peeters"),
    Place("ES", "Europe/Madrid", "es", "Begoña Íñigo Lucía Andrés", "Muñoz García-López Ibáñez Peña"),
    Place("MX", "America/Mexico_City", "es", "Ximena Joaquín Fernanda Raúl", "Hernández Quiñones Treviño Ortega"),
    Place(
        "AR", "America/Argentina/Buenos_Aires", "es", "Martina Thiago Agustina Nahuel", "Fernández Güemes Sosa Rossi"
    ),
    Place("IT", "Europe/Rome", "it", "Niccolò Giulia Matteo Chiara", "D'Angelo|Ferrero|Lo Presti|Bianchi"),
    Place("PT", "Europe/Lisbon", "pt", "Inês João Margarida Tomás", "Conceição Magalhães Sousa Falcão"),
    Place("BR", "America/Sao_Paulo", "pt", "Thaís Caio Luíza Otávio", "Gonçalves Araújo Nascimento Brandão"),
    Place("NL", "Europe/Amsterdam", "nl", "Sanne Daan Femke Joris", "van den Berg|de Vries|IJsselstein|Bakker"),
    Place("SE", "Europe/Stockholm", "en", "Åsa Björn Linnéa Göran", "Sjöström Lindqvist Öberg Holmgren"),
    Place("DK", "Europe/Copenhagen", "en", "Søren Mette Rasmus Freja", "Kjær Østergaard Nygaard Holm"),
    Place("NO", "Europe/Oslo", "en", "Håkon Ingrid Øyvind Silje", "Bjørnstad Strømme Haugen Lie"),
    Place("FI", "Europe/Helsinki", "en", "Päivi Jukka Aino Väinö", "Hämäläinen Mäkelä Virtanen Järvi"),
    Place("PL", "Europe/Warsaw", "pl", "Łukasz Agnieszka Paweł Żaneta", "Wiśniewska Dąbrowski Źróbek Kowalczyk"),
    Place("CZ", "Europe/Prague", "en", "Jiří Tereza Ondřej Šárka", "Dvořák Nováková Čapek Růžička"),
    Place("TR", "Europe/Istanbul", "en", "İpek Çağlar Gülşah Doğan", "Yıldız Şahin Kılıç Aydın"),
    Place(
        "GR", "Europe/Athens", "en", "Ελένη Γιώργος", "Παπαδοπούλου Νικολαΐδης", "eleni giorgos papadopoulou nikolaidis"
    ),
    Place("UA", "Europe/Kyiv", "en", "Оксана Тарас", "Шевченко Коваленко", "oksana taras shevchenko kovalenko"),
    Place("JP", "Asia/Tokyo", "en", "陽子 健太", "佐藤 高橋", "yoko kenta sato takahashi"),
    Place("KR", "Asia/Seoul", "en", "지우 민준", "김 박", "jiwoo minjun kim park"),
    Place("IN", "Asia/Kolkata", "en", "Ananya Rohan Priya Arjun", "Iyer Chatterjee Deshpande Kapoor"),
    Place("SG", "Asia/Singapore", "en", "Wei-Ling Darren Nurul Kai", "Tan Lim Rahman Chua"),
    Place("ZA", "Africa/Johannesburg", "en", "Thandiwe Pieter Lerato Sipho", "Dlamini van Rooyen|Mokoena|Botha"),
    Place("KE", "Africa/Nairobi", "en", "Wanjiru Otieno Achieng Kamau", "Mwangi Odhiambo Njoroge Kiptoo"),
    Place("NG", "Africa/Lagos", "en", "Chiamaka Tunde Ngozi Emeka", "Adeyemi Okonkwo Balogun Eze"),
)
NICHES: tuple[str, ...] = (
    *("tea", "coffee", "slow travel", "home baking", "houseplants", "trail running", "board games", "cycling"),
    *("ceramics", "minimalism", "vegan cooking", "remote work", "book reviews", "family life", "photography"),
)
THINGS: tuple[str, ...] = (
    *("Leaf", "Kettle", "Lantern", "Harbor", "Meadow", "Ember", "Compass", "Willow"),
    *("Pebble", "Cobalt", "Juniper", "Saffron", "Tundra", "Velvet", "Maple"),
)
SORTS = ("Journal", "Notes", "Weekly", "Studio", "Diaries", "Collective", "Reviews", "Almanac", "Kitchen", "Atlas")
TITLES = ("Editor", "Founder", "Blogger", "Affiliate manager", "Content creator", "Publisher", "Partnerships lead", "")
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "đ": "d", "ı": "i"})


def shipped() -> tuple[Person, ...]:
    """The people of `prospects.csv`."""
    with SHIPPED.open(encoding="utf-8", newline="") as source:
        return tuple(Person(**row) for row in csv.DictReader(source))


def invent(count: int, *, seed: int = SEED) -> tuple[Person, ...]:
    """`count` people with different addresses; the first ones are the same whatever the count."""
    chance = random.Random(seed)  # noqa: S311 - reproducible fiction
    found: dict[str, Person] = {}
    while len(found) < count:
        person = _someone(chance, len(found))
        found.setdefault(person.email, person)
    return tuple(found.values())


def tagged(person: Person, tag: str) -> Person:
    """The same person for one run of the story: another address, the same behaviour."""
    local, _, domain = person.email.partition("@")
    return replace(person, email=f"{local}.{tag}@{domain}") if tag else person


def as_csv(people: Iterable[Person]) -> bytes:
    """The people as a UTF-8 file with a header line."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, fieldnames=list(Person.__dataclass_fields__), lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(person) for person in people)
    return text.getvalue().encode()


def _someone(chance: random.Random, number: int) -> Person:
    place = PLACES[number % len(PLACES)]
    first, first_latin, last, last_latin = _name(chance, place)
    company = f"{chance.choice(THINGS)} {chance.choice(THINGS)} {chance.choice(SORTS)}"
    host = "".join(company.split()).lower() + ".example"
    return Person(
        email=f"{chance.choice((f'{first_latin}.{last_latin}', first_latin, f'{first_latin[0]}{last_latin}'))}@{host}",
        first_name=first,
        last_name=last,
        company=company,
        job_title=chance.choice(TITLES),
        website=f"https://{chance.choice(('www.', ''))}{host}/",
        country=place.country,
        time_zone=place.time_zone,
        language=place.language,
        niche=chance.choice(NICHES),
        audience=str(chance.randrange(1, 400) * 500),
    )


def _name(chance: random.Random, place: Place) -> tuple[str, str, str, str]:
    firsts, lasts = list(_names(place.first)), list(_names(place.last))
    first, last = chance.randrange(len(firsts)), chance.randrange(len(lasts))
    if place.spelled:
        latin = place.spelled.split()
        return firsts[first], latin[first], lasts[last], latin[len(firsts) + last]
    return firsts[first], _ascii(firsts[first]), lasts[last], _ascii(lasts[last])


def _names(text: str) -> Iterator[str]:
    return iter(text.split("|") if "|" in text else text.split())


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(LETTERS)).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in plain if letter.isalpha())


if __name__ == "__main__":
    sys.stdout.buffer.write(as_csv(invent(COUNT)))
