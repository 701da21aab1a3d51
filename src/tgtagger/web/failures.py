"""A failure of a page in Russian: what happened, and what to do.

The English sentences stand in `messages`, the English hints in `hints`; here are the Russian ones
of what people meet on pages. What has none is told in English. Knows no page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tgtagger.errors import TgTaggerError
from tgtagger.web.language import Language

_RUSSIAN: Mapping[str, str] = {
    "query_quote_open": "кавычка в запросе не закрыта",
    "query_parenthesis_open": "скобка в запросе не закрыта",
    "query_operator_alone": "{operator}: в запросе нечего соединять",
    "query_too_deep": "в запросе больше {most} вложенных скобок",
    "query_without_words": "в запросе нет слова, которое можно искать",
    "filter_unknown": "{filter}: — такого фильтра нет",
    "filter_empty": "{filter}: — значение не указано",
    "filter_value_unknown": "{filter}:{value} — такого значения нет",
    "date_wrong": "{text!r} — не дата",
    "channel_unknown": "канала {name!r} в архиве нет",
    "channel_partly_named": "под {name!r} подходят несколько каналов",
    "channel_ambiguous": "так называются несколько каналов: {name!r}",
    "channel_not_read": "{source}: канал добавлен, но ещё не прочитан",
    "tag_unknown": "тега {name!r} нет",
    "tag_invalid": "{name!r} не может быть тегом",
    "tag_exists": "тег {tag!r} уже есть",
    "post_unknown": "поста {number} канала {channel} в архиве нет",
    "post_number_unknown": "поста {number} в архиве нет",
    "post_without_tag": "у поста нет тега {name!r}",
    "no_post_chosen": "ни один пост не выбран",
    "cursor_wrong": "такой страницы нет",
    "cursor_of_another_search": "эта страница — от другого поиска",
    "change_undone": "изменение {change} уже отменено",
    "change_unknown": "изменения {change} нет",
    "change_depended_on": "изменение {change} не отменить: на нём держатся более поздние: {later}",
    "nothing_to_undo": "отменять нечего",
    "database_locked": "архив занят другой программой",
}
"""Russian sentences by the kind of a failure; the others are told in English."""

_RUSSIAN_HINTS: Mapping[str, str] = {
    "query_quote_open": "Закройте её или уберите.",
    "query_parenthesis_open": "Закройте её или уберите.",
    "query_operator_alone": "В кавычках это ищется как слово.",
    "date_wrong": "День (2026-01-31), месяц (2026-01), год, today или сколько назад: 7d, 3mo.",
    "date_ambiguous": "Минуты пишутся {number}min, месяцы {number}mo.",
    "tag_invalid": "В теге есть буква, мало слов, нет скобок и запятых.",
    "no_post_chosen": "Сначала выберите посты.",
    "cursor_wrong": "Начните с новейших постов.",
    "cursor_of_another_search": "Начните с новейших постов.",
    "change_depended_on": "Сначала отмените более поздние.",
    "post_unknown": "Возможно, он ещё не прочитан или из другого архива.",
}
_LISTS = ("known", "titles", "names", "ids")
"""Data of failures that list what may be meant."""


def translated(
    error: TgTaggerError, hint: str | None, language: Language
) -> tuple[str, str | None]:
    """Return a failure's sentence and hint in a language. `hint`: the English one."""
    sentence = _RUSSIAN.get(error.kind)
    if language.code != "ru" or sentence is None:
        return error.message, hint
    data = _Shown({name: _shown(value) for name, value in error.data.items()})
    known = next((_shown(error.data[name]) for name in _LISTS if error.data.get(name)), None)
    if error.data.get("near"):
        hint = f"Может быть, {data['near']}?"
    elif known:
        hint = f"Одно из: {known}."
    else:
        hint = _RUSSIAN_HINTS.get(error.kind, "").format_map(data) or None
    return sentence.format_map(data), hint


class _Shown(dict[str, Any]):
    """The data of a failure; what a sentence wants and it has not is left out."""

    def __missing__(self, name: str) -> str:
        return "…"


def _shown(value: object) -> object:
    return ", ".join(map(str, value[:20])) if isinstance(value, list | tuple) else value
