"""The Russian texts of the pages, by the English ones; nouns by their three forms."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "Posts": "Посты",
    "Tags": "Теги",
    "Channels": "Каналы",
    "Failures": "Ошибки",
    "Runs": "Запуски",
    "Jobs": "Задания",
    "Statistics": "Статистика",
    "Search": "Поиск",
    "To the content": "К содержанию",
    "Main": "Главное меню",
    "Keys": "Клавиши",
    # every page
    "Search posts": "Искать посты",
    "Narrow": "Уточнить",
    "Nothing found.": "Ничего не найдено.",
    "Not done": "Не сделано",
    "Cancel": "Отмена",
    "This changes {posts}.": "Это изменит {posts}.",
    "Undo": "Отменить",
    "Undo run {number}?": "Отменить запуск {number}?",
    "Undone.": "Отменено.",
    "Undone: {posts}.": "Отменено: {posts}.",
    "Tagged anew since, so left as they are: {posts}.": (
        "С тех пор получили теги заново и остались как есть: {posts}."
    ),
}

NOUNS: Mapping[str, tuple[str, str, str]] = {
    "post": ("пост", "поста", "постов"),
    "tag": ("тег", "тега", "тегов"),
    "channel": ("канал", "канала", "каналов"),
}
