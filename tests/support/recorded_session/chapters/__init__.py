"""The chapters of the session, in their order."""

from support.recorded_session.chapters.archive import (
    exporting,
    looking,
    reading_exports,
    the_embedded_tagger,
)
from support.recorded_session.chapters.beginning import (
    before_there_is_anything,
    databases_that_are_none,
    help_of_every_command,
    settings,
    what_is_typed_wrong,
)
from support.recorded_session.chapters.care import (
    channels_by_hand,
    tags_by_hand,
    the_doctor,
)
from support.recorded_session.chapters.network import (
    a_language_model,
    signing_in,
    the_web_preview,
)
from support.recorded_session.chapters.terminals import (
    drawn_on_a_terminal,
    said_on_a_terminal,
    the_demo,
)

CHAPTERS = (
    help_of_every_command,
    what_is_typed_wrong,
    before_there_is_anything,
    databases_that_are_none,
    settings,
    reading_exports,
    the_embedded_tagger,
    looking,
    exporting,
    tags_by_hand,
    the_doctor,
    channels_by_hand,
    the_web_preview,
    a_language_model,
    signing_in,
    the_demo,
    said_on_a_terminal,
    drawn_on_a_terminal,
)
