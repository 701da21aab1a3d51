"""What stands around an English news text and is no topic: datelines, agencies, bylines, tickers.

A line at a time, by its form. Takes linear time: what repeats is bounded, or begins with a space.
"""

from __future__ import annotations

import re

_DASH = r"(?:--|[—–-])"
_AGENCY = r"\((?:[A-Z]{2,6}|[A-Z][\w.]{2,15}(?: [A-Z]\w{2,12})?)\)"
_PLACE = r"[A-Z][A-Z.'’-]{1,20}(?: [A-Z][A-Z.'’-]{1,20}){0,3}"
_DATELINE = re.compile(
    # MADISON, Wis. (WMTV) - ; NAIROBI, Kenya, Jan 08 – ; HALIFAX -- ; no «SALE - 50 %».
    rf"(?:{_PLACE}(?:, [^()—–\n]{{2,30}}?){{1,2}}|[A-Z][A-Z.'’ -]{{4,40}}?)"
    rf"(?: {_AGENCY})?\s?{_DASH}\s(?=[\"“‘']?[A-Z])"
    # Oct 8 (Reuters) - ; (Newser) – ; Washington (CNN) —
    rf"|(?:[A-Z][\w.,' -]{{2,40}}? )?{_AGENCY}\s?{_DASH}\s?"
)
_SERIES = re.compile(r"(?:UPDATE|WRAPUP|RPT|REFILE|CORRECTED|BRIEF|FACTBOX|EXCLUSIVE) ?\d{0,2}-")
_EXCHANGE = r"NYSE|NASDAQ|Nasdaq|AMEX|LSE|LON|TSX|ASX|NSE|BSE|EPA|OTC\w{0,3}"
_TICKER = re.compile(rf"\((?:{_EXCHANGE}) ?: ?[\w.]{{1,8}} ?\)")
_BYLINE = re.compile(
    r"By [A-Z][\w.'’-]+(?:,? [A-Z][\w.'’-]+){1,3}(?:,? (?:and|\|) .*)?"
    r"|(?:Photo|Image|Picture|Credit|Photograph)s?(?: credit| by|:).*"
    r"|\(?(?:Reporting|Additional reporting|Editing|Writing|Photo) by .*"
    r"|(?:Published|Updated|Posted|Last updated)(?: on| at|:).*"
    r"|\((?:Adds|Recasts|Updates|Rewrites) [a-z].*\)"
    r"|(?:Copyright|©).*"
    r"|(?:Read also|READ MORE|Read More|Read Also|Also read|See also|Continue reading)\b.*"
    r"|This (?:article|story|post) (?:was )?(?:originally|first) (?:appeared|published).*"
    r"|(?:Advertisement|ADVERTISEMENT|Leave a Reply|No comments:?|Getty Images|AP Photo)\W*"
)
_LONGEST_BYLINE = 160


def without(line: str) -> str:
    """Return a line without its dateline and its tickers; nothing, if it is a byline."""
    line = line.strip()
    if len(line) <= _LONGEST_BYLINE and _BYLINE.fullmatch(line):
        return ""
    line = line[found.end() :] if (found := _SERIES.match(line)) else line
    line = line[found.end() :] if (found := _DATELINE.match(line)) else line
    return _TICKER.sub("", line) if "(" in line and ":" in line else line
