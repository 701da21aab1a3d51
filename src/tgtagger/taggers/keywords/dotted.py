"""Words with a dot inside: a name that is whole (Node.js), an address, or two sentences.

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


def is_name(word: str) -> bool:
    """Tell whether a word with a dot is one name."""
    return _NAME.fullmatch(word) is not None


def is_address(word: str) -> bool:
    """Tell whether a word with a dot is an address, a file or the like: nothing to tag."""
    return _ADDRESS.fullmatch(word) is not None
