"""Into how many tags one thing falls, with a model that names it in every way.

usage: python benchmarks/fragmentation.py [--posts 10000] [--seed 17] [--show N]

A made-up model tags posts about 128 things. Forty of a hundred answers are a case, a number, a
spelling, a synonym or a translation of the thing's name; four are garbage. It is shown the tags
that a server's model is shown, and repeats them now and then. Counted are the different tags that
are stored for one thing: in `prefer` with a vocabulary that has the synonyms as aliases, in
`prefer` with no vocabulary, and in `closed`. "At least" is what comparing forms can reach: a
synonym that is no alias is a tag of its own. A tag is invalid if it is garbage, or stands for a
thing that the answer did not name. The last column counts the tags that were shown to the model in
a bent form.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tgtagger.taggers.llm.prompt import make_prompt
from tgtagger.vocabulary import Mode, Vocabulary, VocabularyEntry, key
from tgtagger.vocabulary.dictionary import analyzer

CONCEPTS = """
ипотека | жилищный кредит | mortgage
инфляция | рост цен | inflation
ключевая ставка | ставка ЦБ | key rate
центральный банк | центробанк | central bank
нефть | чёрное золото | oil
природный газ | голубое топливо | natural gas
беспилотник | дрон | drone
искусственный интеллект | ИИ | artificial intelligence
нейронная сеть | нейросеть | neural network
выборы | голосование | elections
санкции | ограничительные меры | sanctions
мирные переговоры | | peace talks
ракетный удар | | missile strike
пожар | возгорание | fire
землетрясение | подземные толчки | earthquake
наводнение | паводок | flood
лесной пожар | природный пожар | wildfire
дорожная авария | ДТП | road accident
полиция | правоохранители | police
суд | | court
взятка | | bribe
мошенничество | обман | fraud
убийство | |
бюджет | | budget
налог | сбор | tax
пенсия | | pension
зарплата | заработная плата | salary
безработица | | unemployment
рынок труда | | labour market
недвижимость | жильё | real estate
новостройка | новый дом | new building
метро | подземка | subway
железная дорога | | railway
аэропорт | воздушная гавань | airport
самолёт | авиалайнер | aircraft
электромобиль | электрокар | electric car
космос | | space
ракета | |
спутник | | satellite
Луна | | Moon
школа | |
учитель | педагог |
университет | вуз | university
экзамен | |
врач | доктор |
больница | госпиталь |
вакцина | прививка | vaccine
эпидемия | вспышка болезни | epidemic
лекарство | препарат | medicine
рак лёгких | | lung cancer
футбол | | football
хоккей | | hockey
Олимпиада | Олимпийские игры | Olympics
чемпионат мира | мундиаль | world championship
шахматы | | chess
кино | кинематограф | cinema
сериал | | series
театр | |
музей | |
выставка | экспозиция | exhibition
книга | |
музыка | | music
концерт | |
фестиваль | |
рецепт | |
погода | |
снегопад | | snowfall
гроза | |
лёд | |
ёлка | |
берёза | |
волк | |
медведь | |
кот | |
собака | |
животные | | animals
экология | | ecology
изменение климата | глобальное потепление | climate change
солнечная энергия | | solar energy
атомная станция | АЭС | nuclear plant
электричество | | electricity
авария на подстанции | | substation failure
криптовалюта | крипта | cryptocurrency
биткоин | BTC | bitcoin
акция | ценная бумага | stock
облигация | |
доллар | американская валюта | dollar
рубль | российская валюта | rouble
банк | | bank
стартап | |
вакансия | |
программист | разработчик | programmer
уязвимость | | vulnerability
утечка данных | слив данных | data leak
хакер | | hacker
вирус | |
игра | |
видеокарта | | graphics card
смартфон | | smartphone
интернет | | internet
социальная сеть | соцсеть | social network
блокировка сайта | | website blocking
Москва | столица России | Moscow
Санкт-Петербург | Питер | Saint Petersburg
Германия | ФРГ | Germany
Китай | КНР | China
Владимир Путин | Путин | Vladimir Putin
Илон Маск | Маск | Elon Musk
Анна Ахматова | Ахматова | Anna Akhmatova
Лев Толстой | Толстой | Leo Tolstoy
solar panel | photovoltaic panel |
heat pump | |
city council | town council |
power plant | power station |
housing | homes |
battery | accumulator |
bus lane | |
library | |
strike | walkout |
river | |
coral reef | |
fishing quota | |
vaccine trial | |
space telescope | |
wind farm | wind park |
railway bridge | |
museum of design | |
open source | free software |
"""

GARBAGE = (
    "tags", "null", "json", "script", "```json", "P3", "post 7", "теги", "без тегов",
    '{"tags": []}', "Here are the tags: news, politics", "https://t.me/news/531", "@news", "!!!",
    '<post id="p1">', "none", "тег 1", "additionalProperties",
    "пост о том, как прошёл вчерашний день в городе",
)  # fmt: skip

NOISE = 0.4
GARBAGE_SHARE = 0.04
REPEATED = 0.3
"""How often the model takes a tag that it was shown, where one names the thing."""
_CASES = ("gent", "datv", "accs", "ablt", "loct")

Setting = Literal["prefer, aliases", "prefer, none", "closed"]


@dataclass(frozen=True, slots=True)
class Concept:
    name: str
    others: tuple[str, ...]  # a synonym, a translation
    bent: tuple[str, ...]  # its cases and its other number


def concepts() -> list[Concept]:
    found = []
    for line in CONCEPTS.strip().splitlines():
        name, synonym, translation = (part.strip() for part in line.split("|"))
        others = tuple(filter(None, (synonym, translation)))
        found.append(Concept(name, others, tuple(_bent(name))))
    return found


def _bent(name: str) -> Iterator[str]:
    """Yield a name in other cases and numbers, its words together, up to the first common noun."""
    if name.isascii():
        yield name[:-1] + "ies" if name.endswith("y") else name + "s"
        return
    words = name.split(" ")
    is_name = all(word[0].isupper() for word in words)
    parses = [_nominative(word) for word in words]
    nouns = [at for at, parse in enumerate(parses) if parse.tag.POS == "NOUN"]
    head = len(words) - 1 if is_name else nouns[0]
    own = parses[head].tag
    numbers = {own.number} if is_name else {"sing", "plur"}
    for number in sorted(numbers):
        for case in ("nomn", *_CASES):
            changed = []
            for parse in parses[: head + 1]:
                wanted = {case, number}
                if parse.tag.POS == "ADJF" and case == "accs":
                    wanted.add(own.animacy or "inan")
                if parse.tag.POS == "ADJF" and number == "sing" and own.gender:
                    wanted.add(own.gender)
                changed.append(parse.inflect(wanted))
            if all(changed):
                text = " ".join([each.word for each in changed] + words[head + 1 :])
                bent = text.title() if is_name else text
                if bent != name:
                    yield bent


def _nominative(word: str) -> Any:
    parses = analyzer().parse(word.lower())
    likely = [each for each in parses if each.tag.case == "nomn"]
    name = [each for each in likely if word[0].isupper() and {"Name", "Surn"} & each.tag.grammemes]
    return (name or likely or parses)[0]


def _spelled(name: str, chance: random.Random) -> str:
    return chance.choice((
        name.upper(), name.capitalize(), "#" + name.replace(" ", "_"), f"«{name}»",
        name.replace("ё", "е"), name.replace(" ", "-"), f"{name}.",
    ))  # fmt: skip


def _answer(concept: Concept, shown: Sequence[str], chance: random.Random) -> str:
    if shown and chance.random() < REPEATED:
        return chance.choice(shown)
    if chance.random() >= NOISE:
        return concept.name
    kind = chance.choice(("bent", "bent", "spelled", "other", "other"))
    if kind == "bent" and concept.bent:
        return chance.choice(concept.bent)
    if kind == "other" and concept.others:
        return chance.choice(concept.others)
    return _spelled(concept.name, chance)


def _vocabulary(setting: Setting, things: Sequence[Concept]) -> Vocabulary:
    mode: Mode = "closed" if setting == "closed" else "prefer"
    entries = [VocabularyEntry(thing.name, None, thing.others) for thing in things]
    return Vocabulary(mode, () if setting == "prefer, none" else entries)


@dataclass(frozen=True, slots=True)
class Outcome:
    tags_a_concept: float
    invalid: Counter[str]
    bent_shown: Counter[str]
    tags: dict[str, list[str]]


def run(setting: Setting, things: Sequence[Concept], posts: int, seed: int) -> Outcome:
    chance = random.Random(seed)
    vocabulary = _vocabulary(setting, things)
    prompt = make_prompt(vocabulary).rules
    spellings = {
        key(name): thing.name
        for thing in reversed(things)
        for name in (*thing.bent, *thing.others, thing.name)
    }
    bent = {key(name) for thing in things for name in thing.bent if not name.isascii()}
    bent -= {key(name) for thing in things for name in (thing.name, *thing.others)}
    bent = {name for name in bent if not _is_nominative(name)}
    weights = [1 / (place + 3) for place in range(len(things))]
    stored: dict[str, set[str]] = defaultdict(set)
    invalid: Counter[str] = Counter()
    bent_shown: Counter[str] = Counter()
    for _ in range(posts):
        about = list(dict.fromkeys(chance.choices(things, weights, k=chance.randint(1, 5))))
        text = ". ".join(chance.choice((each.name, *each.bent)) for each in about)
        shown = vocabulary.likeliest([text])
        bent_shown.update(name for name in shown if key(name) in bent)
        answers = []
        for each in about:
            known = [name for name in shown if spellings.get(key(name)) == each.name]
            answers.append(_answer(each, known, chance))
        if chance.random() < GARBAGE_SHARE * len(about):
            answers.insert(chance.randrange(len(answers) + 1), chance.choice(GARBAGE))
        chosen = vocabulary.choose(answers, text, prompt=prompt)
        vocabulary.remember(chosen)
        names = {each.name for each in about}
        for tag in chosen:
            concept = spellings.get(key(tag))
            if concept in names:
                stored[concept].add(tag)
            else:
                invalid[tag] += 1
    found = {name: sorted(tags) for name, tags in stored.items()}
    return Outcome(sum(map(len, found.values())) / len(found), invalid, bent_shown, found)


def _is_nominative(name: str) -> bool:
    """Tell whether a form is a nominative, too, in either number: no person calls that bent."""
    first = name.split(" ", maxsplit=1)[0]
    return any(each.tag.case == "nomn" for each in analyzer().parse(first))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--posts", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=17)
    arguments.add_argument("--show", type=int, default=0)
    given = arguments.parse_args()
    things = concepts()
    print(f"{len(things)} things, {given.posts:,} posts")
    others = sum(1 + len(thing.others) for thing in things) / len(things)
    print(f"{'':<18}{'tags a thing':>14}{'at least':>10}{'invalid':>9}{'bent shown':>12}")
    settings: tuple[Setting, ...] = ("prefer, aliases", "prefer, none", "closed")
    for setting in settings:
        found = run(setting, things, given.posts, given.seed)
        print(
            f"{setting:<18}{found.tags_a_concept:>14.2f}"
            f"{others if setting == 'prefer, none' else 1:>10.2f}{found.invalid.total():>9}"
            f"{found.bent_shown.total():>12}"
        )
        if given.show:
            print("   ", dict(found.invalid), dict(found.bent_shown))
        worst = sorted(found.tags.values(), key=len, reverse=True)[: given.show]
        for tags in worst:
            print("   ", ", ".join(tags))


if __name__ == "__main__":
    main()
