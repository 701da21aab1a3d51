"""English posts: names, terms and nouns, a kind a test; other languages do not pay for them."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tgtagger.taggers.keywords import KeywordsTagger, nouns
from tgtagger.vocabulary.shelves import NO_SHELVES

TAGGER = KeywordsTagger(shelves=NO_SHELVES)


def tags(text: str) -> list[str]:
    return [tag.name for tag in TAGGER.tag_text(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A name goes on through a stop word with a capital, and begins with one.
        ("Locals call it Long Last Call Bar, near Big Bear Lake.", {"Big Bear Lake"}),
        ("Good Shepherd School reopens in autumn.", {"Good Shepherd School"}),
        # It ends before a weekday, and without the form of its company.
        ("A spokesman for Harland Quay Friday denied it.", {"Harland Quay"}),
        ("Bosch Rexroth AG buys a rival from Moog Inc in Ohio.", {"Bosch Rexroth", "Moog"}),
        # An abbreviation ends no sentence before a capital.
        ("The ferry from Ft. Lauderdale was late.", {"Ft. Lauderdale"}),
        ("A statue of W.H. Auden was unveiled.", {"W.H. Auden"}),
        ("A song by Joomla! Orchestra.", {"Joomla Orchestra"}),
        ("The U.K. and the U.N. disagree.", {"UK", "UN"}),
        # A title before a person's name is no part of it.
        ("Yesterday Vice President Kamala Harris spoke.", {"Kamala Harris"}),
        ("They asked Deputy Mayor Anna Holt about it.", {"Anna Holt"}),
        ("A letter to Gen. Mark Milley leaked.", {"Mark Milley"}),
        # But the name of what is no person keeps it.
        ("The Governor Street bridge is shut.", {"Governor Street"}),
        # A people is its country, at the beginning, too.
        ("Ghanaian cocoa gets dearer.", {"Ghana", "cocoa"}),
        ("Two Latvians and a South Korean shared the medal.", {"Latvia", "South Korea"}),
        ("Polish the silver with a soft cloth.", {"silver", "cloth"}),
        # Places in an adjective, an owner's name, a state's code.
        ("The Osaka-based maker of bicycles closed.", {"Osaka"}),
        ("They rowed to St. Kevin's Island.", {"St. Kevin's Island"}),
        ("The plant in Toledo, OH, closed.", {"Toledo", "Ohio"}),
        ("Peru's potash exports rose.", {"Peru"}),
        ("Burkina Faso and Costa Rican banks agreed.", {"Costa Rica"}),
        # What stands before a title and tells a country or a place is a name of its own.
        ("They met UK Foreign Secretary David Lammy.", {"UK", "David Lammy"}),
        ("A suit against Latvian Finance Minister Inese Libina.", {"Latvia", "Inese Libina"}),
        # A name ends where a district, a code or an adjective of making ends.
        ("The Cook County Sheriff Records Office Annex burnt.", {"Cook County"}),
        ("Hikers left Silver Fork UT at dawn.", {"Silver Fork", "Utah"}),
        ("A Madrid-bound Airbus 320 turned back.", {"Madrid", "Airbus 320"}),
        ("Tea is at St Anne's Chapel Hall in Wells.", {"St Anne's Chapel", "Wells"}),
        (
            "The Securities and Exchange Commission fined Fiat and Renault Trucks.",
            {"Securities and Exchange Commission", "Fiat", "Renault Trucks"},
        ),
        (
            "A lecture on Leonardo da Vinci by Anneliese van der Poel.",
            {"Leonardo da Vinci", "Anneliese van der Poel"},
        ),
        ("It hit Harriet Cole of Swindon and the Duke of Kent.", {"Harriet Cole", "Duke of Kent"}),
        ("The title went to Dane Holger Rune.", {"Denmark", "Holger Rune"}),
        ("They moved to The Philippines, not to the USA.", {"Philippines", "US"}),
        # The beginning of a sentence: a name before a verb or a number, none before a noun.
        ("Freshbooks buys a rival.", {"Freshbooks"}),
        ("Oracle said nothing.", {"Oracle"}),
        ("Inkscape 2 draws faster.", {"Inkscape 2"}),
        ("Lighthouse tours begin in May.", {"lighthouse"}),
        ("Bookmarklet folders grow quickly.", {"bookmarklet", "folders"}),
    ],
)
def test_names(text: str, expected: set[str]) -> None:
    assert expected <= set(tags(text))


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("OSLO, Norway (AP) — Trams stopped after a strike of drivers.", {"OSLO", "AP", "Oslo"}),
        ("(Newsline) - Trams stopped after a strike of drivers.", {"Newsline"}),
        ("Mar 3 (Bloomberg) -- Trams stopped after a strike.", {"Bloomberg"}),
        ("WRAPUP 2-Trams stop after a strike of drivers", {"WRAPUP", "2-Trams"}),
        ("Trams stopped at Siemens Mobility (NYSE: SMX ).", {"NYSE", "SMX"}),
        ("Trams stopped.\nBy Ann Lee\nPhoto: Tom Ray / Getty", {"Ann Lee", "Tom Ray", "Getty"}),
        ("Trams stopped.\n(Reporting by Ann Lee; Editing by Tom Ray)", {"Ann Lee", "Tom Ray"}),
        (
            "Trams stopped, according to Xinhua; Reuters said drivers were ill.",
            {"Xinhua", "Reuters"},
        ),
        ("A battery of 40 MWh and 12 kW stores wind power.", {"MWh", "kW", "kw", "mwh"}),
    ],
)
def test_sources_datelines_and_units_are_no_topics(text: str, unwanted: set[str]) -> None:
    assert not unwanted & set(tags(text))
    assert tags(text)


def test_a_channels_own_name_is_no_topic_and_its_town_is() -> None:
    text = "Dover Notes asked the harbour board, and BBC Kent asked Dover."
    assert "Dover Notes" in tags(text)
    own = [tag.name for tag in TAGGER.tag_text(text, "Dover Notes | daily")]
    assert "Dover Notes" not in own
    assert "Dover" in own
    assert "BBC" not in [tag.name for tag in TAGGER.tag_text("The BBC asked.", "BBC Kent")]


def test_a_capital_with_a_dash_is_no_dateline() -> None:
    assert "LEGO" in tags("LEGO - 50 % off all castles")
    assert "NASA" in tags("NASA — a launch was scrubbed because of lightning.")


def test_a_person_is_one_tag_and_so_is_an_acronym() -> None:
    found = tags("Merkel resigned. Angela Merkel had led Germany; Merkel is 67.")
    assert found[0] == "Angela Merkel"
    assert "Merkel" not in found
    found = tags("The European Space Agency (ESA) chose a probe. ESA will launch it; ESA is glad.")
    assert found[0] == "ESA"
    assert "European Space Agency" not in found
    found = tags("We use reinforcement learning (RL) for traffic lights.")
    assert "reinforcement learning" in found
    assert "RL" not in found


def test_a_long_name_is_cut_where_another_begins() -> None:
    found = tags(
        "She left the University of Leeds School of Medicine for Cooper's Island Bird Reserve."
    )
    assert {"University of Leeds", "School of Medicine", "Cooper's Island"} <= set(found)
    assert all(len(tag.split()) <= 4 for tag in found)


@pytest.mark.parametrize(
    "headline",
    [
        "Ten Quick Ways To Clean A Steam Engine With Vinegar",
        "TEN QUICK WAYS TO CLEAN A STEAM ENGINE WITH VINEGAR",
    ],
)
def test_capitals_of_a_headline_tell_no_name(headline: str) -> None:
    found = tags(headline)
    assert {"steam engine", "vinegar"} <= set(found)
    assert all(tag.islower() for tag in found)


def test_acronyms_and_unknown_words_of_a_headline_are_names() -> None:
    found = tags("How NATO Tests New Drones With Rheinmetall In Cold Water")
    assert {"NATO", "Rheinmetall"} <= set(found)


def test_a_sentence_about_one_name_is_no_headline() -> None:
    assert "Old Royal Naval College" in tags("Greetings. It is at the Old Royal Naval College.")


def test_names_in_a_row_are_no_headline() -> None:
    found = tags("Olivia Colman, Paul Mescal, Jessie Buckley, Ed Harris")
    assert {"Olivia Colman", "Paul Mescal", "Jessie Buckley", "Ed Harris"} == set(found)


def test_emphasis_is_no_acronym() -> None:
    assert "WHISK" not in tags("WHISK the eggs. SIMMER the stock with bay leaves.")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("The council wants cheaper wind power for schools.", "wind power"),
        ("Two space stations will share a crew.", "space stations"),
        ("Blood pressure falls with age.", "blood pressure"),
    ],
)
def test_a_term_is_whole_and_its_words_are_no_tags_besides(text: str, term: str) -> None:
    found = tags(text)
    assert term in found
    assert not set(term.split()) & set(found)


def test_nouns_come_before_other_words() -> None:
    text = "Breezy, partial, stolen: they quickly measured a distant glacier and its crevasses."
    assert set(tags(text)[:2]) == {"glacier", "crevasses"}


@pytest.mark.parametrize(
    ("word", "singular"),
    [("mice", "mouse"), ("movies", "movie"), ("cities", "city"), ("boxes", "box"), ("news", "news"),
     ("firemen", "fireman"), ("glass", "glass"), ("analyses", "analysis"), ("blogs", "blog")],
)  # fmt: skip
def test_singulars(word: str, singular: str) -> None:
    assert nouns.singular(word) == singular


def test_what_wordnet_counts_tells_nouns() -> None:
    share = {word: found.share for word in ("engine", "run", "planned", "quietly", "ill-judged")
             if (found := nouns.look_up(word))}  # fmt: skip
    assert share["engine"] == 1
    assert 0 < share["run"] < 0.5
    assert share["planned"] == share["quietly"] == share["ill-judged"] == 0
    assert nouns.look_up("wildfires") == (1, 0)  # never counted, listed all the same
    assert nouns.look_up("qubits") is None
    assert nouns.look_up("lisbon") is None  # a name, which index.noun has in small letters


def test_posts_of_other_languages_do_not_load_the_english_lists() -> None:
    program = (
        "from tgtagger.taggers.keywords import KeywordsTagger, nouns\n"
        "tagger = KeywordsTagger()\n"
        "tagger.tag_text('В Москве #Apple показала iPhone 17')\n"
        "tagger.tag_text('Die Regierung plant ein Gesetz über die Rente in Köln #Rente')\n"
        "print(nouns._words.cache_info().currsize, nouns._terms.cache_info().currsize)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "0"]


PIECES = (
    "The Of And of and & de van US U.S. J.T. St. Sen. President Minister County O'Brien's Mary's "
    "Osaka-based SA Inc. 17 3.2 MW CA Swedish American Holt Ann University Food Administration "
    "Co-Co-Co-Co-Co A'B'C'D'E Yahoo! IT WHO IN CAPITALS POWER plant Reuters said (ECB) ECB — - , ."
).split()


@example("Of de Co-Co-Co-Co-Co")  # taken for Dutch
@example("Co-Co-Co-Co-Co Sen. US")  # a name of one word that is a list of them
@example("J.T. J.T. US Sen. US")  # what stands before a title
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_whatever_stands_around_capitals(text: str) -> None:
    for tag in tags(text):  # whatever language it is taken for
        assert len(re.findall(r"\w+", tag)) <= 8
    for tag in tags(f"It was said that this is what they have of it. {text}"):
        assert len(re.findall(r"\w+", tag)) <= 4


@pytest.mark.parametrize(
    "text",
    [
        "By " + "Aaaa" * 1900,
        "A" * 7900 + " - Aa",
        "AB " * 2600 + "- Aa",
        "AB, " * 1900 + "(X) - Aa",
        "(NYSE: " * 1100,
        "U.S. " * 1500,
        "Aa's " * 1500,
    ],
)
def test_hostile_lines_take_no_time(text: str) -> None:
    tags(text)
    begin = time.process_time()
    tags(text)
    assert time.process_time() - begin < 0.5
