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
    # the way in
    "Enter": "Войти",
    "Token": "Токен",
    "Go on": "Дальше",
    "This server wants its token.": "Этот сервер просит токен.",
    "That was not the token, or the link was used before.": (
        "Это не тот токен, или ссылка уже использована."
    ),
    "The token stands in the file that --token-file names. "
    "A link that lets you in once is printed when tgtagger serve starts.": (
        "Токен лежит в файле, который назван в --token-file. "
        "Одноразовую ссылку печатает tgtagger serve при запуске."
    ),
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
