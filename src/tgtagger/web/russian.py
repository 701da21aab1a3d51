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
}

NOUNS: Mapping[str, tuple[str, str, str]] = {
    "post": ("пост", "поста", "постов"),
    "tag": ("тег", "тега", "тегов"),
    "channel": ("канал", "канала", "каналов"),
}
