"""Words with a dot: a name that is whole (Node.js), an address, initials, an abbreviation.

Knows no text around them.
"""

from __future__ import annotations

import re

# What follows the dot in the names of programs and companies: Node.js, ASP.NET, Booking.com.
_NAME = re.compile(
    r"\.NET|\.net|[^\W\d_][\w+-]*(?:\.[\w-]+)?\.(?:js|ts|jsx|tsx|py|rs|rb|go|cpp|NET|JS)"
    r"|[A-Z][\w-]*\.(?:[Jj][Ss]|[Nn]et|ai|AI|io|IO|com|ru|org|app|dev|me|tv|fm|gg)"
    r"|(?:Яндекс|Yandex)\.[А-ЯЁA-Z]\w*"
)
_LABEL = r"[\w&'’+-]+"
_ADDRESS = re.compile(
    # A language's domain, a file, a field of a record: a sentence begins with a capital.
    rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]+"
    rf"|(?:{_LABEL}\.)+(?:рф|рус|укр|бел|срб|бг|мкд|мон|қаз|ком|орг|сайт|онлайн|москва|дети|ру)"
    rf"|(?:{_LABEL}\.)+(?:COM|ORG|NET|RU|UA|BY|KZ|DE|FR|IT|ES|UK|EU|IO|AI|TV|INFO|BIZ)"
    rf"|[A-Z]\w+(?:\.[A-Z]\w+){{2,}}"  # System.Text.Json
)


def is_whole(word: str) -> bool:
    """Tell whether a word with a dot is one name, or initials."""
    return (_NAME.fullmatch(word) or _INITIALS.fullmatch(word)) is not None


def is_address(word: str) -> bool:
    """Tell whether a word with a dot is an address, a file or the like: nothing to tag."""
    return _ADDRESS.fullmatch(word) is not None


_INITIALS = re.compile(r"(?:[A-Z]\.){1,3}[A-Z]")
_STATES = {"U.S": "US", "U.S.A": "USA", "U.K": "UK", "U.N": "UN", "E.U": "EU", "D.C": "DC"}
# What stands before a name or a number: St. Louis, Sen. Sanders, No. 5.
_BEFORE_NAME = frozenset(
    "St Ste Mt Ft Mr Mrs Ms Mx Dr Prof Sen Rep Gov Gen Col Maj Capt Lt Sgt Cmdr Rev Hon Fr Sr Jr"
    " Messrs Det Supt Pres Calif Ariz Fla Mich Wis Minn Tenn Okla vs".split()
)
WITH_DOT = frozenset({"St", "Mt", "Ft"})
"""What is shown with the dot after it: St. Louis."""
_WITH_CALL = frozenset({"Yahoo", "Jeopardy", "Joomla"})  # names that end with an exclamation mark
_LAST_WORD = re.compile(r"[\w.]+\Z")
_LONGEST = 8


def initials(word: str) -> str | None:
    """Return initials as they are shown: US for U.S., J.T.; None for another word."""
    if not _INITIALS.fullmatch(word):
        return None
    return _STATES.get(word, f"{word}.")


def goes_on(line: str, at: int) -> bool:
    """Tell whether a sign belongs to the word before it, and no sentence ends with it."""
    if line[at] not in ".!" or not line[at - 1 : at].isascii():
        return False
    after = line[at + 1 : at + 3]
    if len(after) < 2 or after[0] != " " or not (after[1].isupper() or after[1].isdigit()):
        return False
    found = _LAST_WORD.search(line, max(0, at - _LONGEST), at)
    word = found.group() if found else ""
    if line[at] == "!":
        return word in _WITH_CALL
    if word == "No":
        return after[1].isdigit()
    return word in _BEFORE_NAME or (len(word) == 1 and word.isupper()) or initials(word) is not None
