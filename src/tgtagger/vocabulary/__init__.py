"""The rules of tags: what a tag is, when two spellings are one tag, which tags a post gets.

`names` tells what a tag is, `forms` when two names are forms of one tag, by the Russian
`dictionary`. `files` reads a vocabulary that a person wrote, `choice` makes a post's tags of what a
model said, `likeness` finds tags that are probably one, `covering` the few that most posts have.
Pure. Knows no database, file, network or clock; the store keeps tags by their `key`.
"""

from tgtagger.vocabulary.choice import Vocabulary, echoes
from tgtagger.vocabulary.covering import Cover, cover
from tgtagger.vocabulary.files import (
    MAX_ENTRIES,
    Mode,
    VocabularyEntry,
    VocabularyFile,
    merge_entries,
    read,
    write,
)
from tgtagger.vocabulary.forms import are_forms, is_among, starts_of_forms
from tgtagger.vocabulary.likeness import Suggestion, suggest
from tgtagger.vocabulary.names import (
    MAX_LENGTH,
    MAX_WORDS,
    drop_stray_joiners,
    is_tag,
    key,
    normalise,
)
from tgtagger.vocabulary.synonyms import bundled

__all__ = [
    "MAX_ENTRIES",
    "MAX_LENGTH",
    "MAX_WORDS",
    "Cover",
    "Mode",
    "Suggestion",
    "Vocabulary",
    "VocabularyEntry",
    "VocabularyFile",
    "are_forms",
    "bundled",
    "cover",
    "drop_stray_joiners",
    "echoes",
    "is_among",
    "is_tag",
    "key",
    "merge_entries",
    "normalise",
    "read",
    "starts_of_forms",
    "suggest",
    "write",
]
