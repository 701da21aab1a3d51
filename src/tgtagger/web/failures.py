"""A failure of a page in Russian: what happened, and what to do.

The English sentences stand in `messages`, the English hints in `hints`; here are the Russian ones
of what people meet on pages. What has none is told in English. Knows no page.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from tgtagger.web.hints import AT_DATABASE, LATER
from tgtagger.web.language import Language

SENTENCES: Mapping[str, str] = {
    # ---- names
    "channel_unknown": "канала «{name}» в архиве нет",
    "channel_partly_named": "под «{name}» подходят несколько каналов",
    "channel_ambiguous": "так называются несколько каналов: «{name}»",
    "channel_not_read": "{source}: канал добавлен, но ещё не прочитан",
    "channel_ref_empty": "канал не назван",
    "channel_ref_foreign": "{text} — не адрес Telegram",
    "channel_ref_invalid": "«{text}» — не имя канала",
    "post_unknown": "поста {number} канала {channel} в архиве нет",
    "post_number_unknown": "поста {number} в архиве нет",
    "post_ref_invalid": "«{text}» — не адрес поста",
    "post_ambiguous": "пост с номером {number} есть в нескольких каналах",
    "tag_unknown": "тега «{name}» нет",
    "merge_target_unknown": "тега «{name}» нет",
    "run_unknown": "ни запуска разметки, ни изменения тегов с номером {run} нет",
    "change_undone": "изменение {change} уже отменено",
    "change_swept": "изменение {change} слишком старое, его уже не отменить",
    "change_depended_on": "изменение {change} не отменить: на нём держатся более поздние: {later}",
    "undo_name_taken": "изменение {change} не отменить: имя «{name}» теперь у тега «{tag}»",
    "nothing_to_undo": "отменять нечего",
    # ---- looking for posts
    "query_quote_open": "кавычка в запросе не закрыта",
    "query_parenthesis_open": "скобка в запросе не закрыта",
    "query_operator_alone": "{operator}: в запросе нечего соединять",
    "query_too_deep": "в запросе больше {most} вложенных скобок",
    "query_without_words": "в запросе нет слова, которое можно искать",
    "filter_unknown": "{filter}: — такого фильтра нет",
    "filter_empty": "{filter}: — значение не указано",
    "filter_value_unknown": "{filter}:{value} — такого значения нет",
    "date_wrong": "«{text}» — не дата",
    "date_ambiguous": "«{text}» — это минуты или месяцы",
    "period_empty": "срок пуст: {since} не раньше, чем {until}",
    "cursor_wrong": "такой страницы нет",
    "cursor_of_another_search": "эта страница — от другого поиска",
    # ---- changing tags
    "tag_invalid": "«{name}» не может быть тегом",
    "tag_exists": "тег «{tag}» уже есть",
    "alias_of_another_tag": "имя «{name}» уже у тега «{tag}»",
    "alias_unknown": "у тега «{tag}» нет имени «{name}»",
    "no_post_chosen": "ни один пост не выбран",
    "post_without_tag": "у поста нет тега «{name}»",
    # ---- jobs
    "job_unknown": "задания {number} нет",
    # ---- of the web face itself
    "method_not_allowed": "здесь это не принимается",
    "host_unknown": "под этим именем сервер не отвечает",
    "other_site": "страницам других сайтов здесь ничего нельзя",
    "read_only": "этот сервер только показывает архив",
    "body_too_large": "запрос слишком большой",
    "body_too_slow": "запрос шёл слишком долго",
    "too_many_requests": "запросов слишком много сразу",
    "token_missing": "этот сервер просит токен",
    # ---- the archive
    "database_locked": "архив занят другой программой",
    "database_newer": "архив изменила более новая версия tgtagger",
    "database_disk_full": "на диске с архивом нет места",
    "database_read_only": "в архив нельзя писать",
    "server_read_only": "в архив нельзя писать",
    "database_damaged": "архив повреждён",
    "database_unreachable": "до сервера с архивом не достучаться",
    "database_connection_lost": "связь с сервером архива прервалась",
    "database_starting": "сервер архива запускается или останавливается",
    "database_server_full": "у сервера архива нет свободных соединений",
    "database_server_disk_full": "на диске сервера с архивом нет места",
    "database_moved": "файл архива перемещён или удалён",
    "no_database": "архива больше нет на месте",
}
"""Russian sentences by the kind of a failure; the others are told in English."""

ENDINGS: Mapping[str, str] = {
    "bug": "сбой tgtagger",
    # ---- tagging
    "key_rejected": "сервер не принимает ключ",
    "quota": "квота этого ключа исчерпана",
    "unknown_model": "на сервере нет такой модели",
    "wrong_address": "по этому адресу нет сервера для разметки",
    "throttled": "сервер просит слишком долго ждать",
    "provider_down": "сервер не отвечает или сбоит",
    "cost_cap": "достигнут предел расходов",
    "time_cap": "вышло отведённое время",
    "server_not_set": "сервер для разметки не указан",
    "model_not_set": "модель не указана",
    "key_not_set": "ключ не указан",
    # ---- reading
    "parse_time_over": "вышло отведённое время",
    "no_channels_yet": "в архиве ещё нет каналов",
    "channel_not_found": "канала с таким именем нет",
    "channel_not_visible": "этому аккаунту канал не виден",
    "channel_unreadable": "канал не прочитать",
    "channel_without_name": "у канала нет @имени",
    "channels_without_names": "у этих каналов нет @имён",
    "preview_wants_name": "веб-превью есть только у каналов с @именем",
    "invitation_wants_account": "по приглашению читает только аккаунт",
    "invitation_not_joined": "аккаунт не вступил в этот канал",
    "person_not_channel": "это человек или бот, а не канал",
    "group_not_channel": "это группа, а не канал",
    "username_reassigned": "@имя теперь у другого канала",
    "not_signed_in": "никто не вошёл в Telegram",
    "session_ended": "сеанс Telegram завершён",
    "account_frozen": "Telegram заморозил этот аккаунт",
    "telegram_asks_to_wait": "Telegram просит подождать",
    "telegram_flood": "Telegram просит подождать",
    "telegram_closed_until": "Telegram просит подождать",
    "telegram_unreachable": "Telegram недоступен",
    "telegram_given_up": "Telegram не отвечает",
    "preview_closed_until": "веб-превью просит подождать",
    "preview_unreachable": "веб-превью недоступно",
    "preview_turned_off": "веб-превью этого канала выключено",
    "preview_of_group": "у групп нет веб-превью",
}  # fmt: skip
"""Why a job ended, by the kind of the failure; its own words stand below."""

_SIGN_IN = "Войдите в терминале: tgtagger login."
_SETTINGS = "Проверьте настройки: tgtagger doctor."
_CHANNEL = "Нужно @имя, ссылка t.me или -100…"
_NEWEST = "Начните с новейших постов."
_CONNECTION = "Проверьте связь; прочитанное сохранено."

HINTS: Mapping[str, str] = {
    "channel_partly_named": "Назовите больше букв названия или @имя.",
    "channel_not_read": "Сначала прочитайте его.",
    "channel_ref_empty": _CHANNEL,
    "channel_ref_foreign": _CHANNEL,
    "channel_ref_invalid": _CHANNEL,
    "channel_not_found": "Проверьте имя.",
    "post_unknown": "Возможно, он ещё не прочитан или из другого архива.",
    "post_number_unknown": "Возможно, он ещё не прочитан или из другого архива.",
    "post_ref_invalid": "Нужно 1006503122-531, @имя-531 или номер.",
    "post_ambiguous": "Назовите его вместе с каналом: {names}.",
    "merge_target_unknown": "Чтобы получить его, переименуйте один из тегов.",
    "run_unknown": "Смотрите историю тегов.",
    "change_undone": "Смотрите историю тегов.",
    "change_depended_on": "Сначала отмените более поздние.",
    "undo_name_taken": "Сначала дайте тегу «{tag}» другое имя.",
    "query_quote_open": "Закройте её или уберите.",
    "query_parenthesis_open": "Закройте её или уберите.",
    "query_operator_alone": "В кавычках это ищется как слово.",
    "query_too_deep": "Упростите запрос.",
    "query_without_words": "Ищутся буквы и цифры.",
    "filter_empty": "Напишите его сразу после двоеточия.",
    "date_wrong": "День (2026-01-31), месяц (2026-01), год, today или сколько назад: 7d, 3mo.",
    "date_ambiguous": "Минуты пишутся {number}min, месяцы {number}mo.",
    "period_empty": "Поменяйте их местами.",
    "cursor_wrong": _NEWEST,
    "cursor_of_another_search": _NEWEST,
    "tag_invalid": (
        "В теге есть буква, не больше {words} слов и {letters} знаков, без скобок, запятых, "
        "ссылок и @имён."
    ),
    "tag_exists": "Их можно слить.",
    "alias_of_another_tag": "Эти теги можно слить.",
    "no_post_chosen": "Сначала выберите посты.",
    "host_unknown": "Откройте его как localhost или разрешите это имя при запуске.",
    "body_too_large": "Пришлите меньше.",
    "bug": "Сообщите о нём, пожалуйста, вместе с записью в журнале.",
    "key_rejected": "Укажите верный ключ. Посты ждут в очереди.",
    "quota": "Пополните счёт или укажите другой ключ. Посты ждут в очереди.",
    "unknown_model": "Укажите в настройках другую модель. " + _SETTINGS,
    "wrong_address": _SETTINGS,
    "provider_down": "Проверьте сервер и попробуйте снова.",
    "cost_cap": "Увеличьте предел или повторите позже.",
    "time_cap": "Повторите: работа продолжится.",
    "throttled": "Повторите позже.",
    "server_not_set": "Укажите его в настройках.",
    "model_not_set": "Укажите её в настройках.",
    "key_not_set": "Укажите его в настройках.",
    "parse_time_over": "Повторите: чтение продолжится.",
    "no_channels_yet": "Сначала добавьте канал.",
    "channel_without_name": _SIGN_IN,
    "channels_without_names": _SIGN_IN,
    "preview_wants_name": _SIGN_IN,
    "invitation_wants_account": _SIGN_IN,
    "invitation_not_joined": "Сначала вступите в него в Telegram.",
    "username_reassigned": "Сохранённые посты не изменены.",
    "not_signed_in": _SIGN_IN,
    "session_ended": _SIGN_IN,
    "telegram_asks_to_wait": "Повторите позже.",
    "telegram_flood": "Повторите позже.",
    "telegram_closed_until": "Повторите позже.",
    "telegram_unreachable": _CONNECTION,
    "telegram_given_up": _CONNECTION,
    "preview_closed_until": "Повторите позже.",
    "preview_unreachable": _CONNECTION,
    "preview_turned_off": _SIGN_IN,
    "database_disk_full": "Освободите место; сохранённое цело.",
    "database_server_disk_full": "Освободите место; сохранённое цело.",
    "database_connection_lost": "Сохранённое цело. Попробуйте немного позже.",
}
"""Russian hints by the kind of a failure."""

_OF_CLASSES: Mapping[str | None, str] = {
    LATER: "Попробуйте немного позже.",
    AT_DATABASE: "Посмотрите базу данных на машине, где работает сервер.",
}
"""Russian hints for the English ones that many kinds share."""
_LISTS = ("known", "titles", "names", "ids", "tags", "aliases")
"""Data of failures that list what may be meant."""


def translated(
    kind: str, sentence: str, hint: str | None, data: Mapping[str, Any], language: Language
) -> tuple[str, str | None]:
    """Return a failure's sentence and hint in a language; `sentence` and `hint` are English."""
    russian = SENTENCES.get(kind)
    shown = {name: _shown(value) for name, value in data.items()}
    if language.code != "ru" or russian is None or not _fields(russian) <= shown.keys():
        return sentence, hint
    return russian.format_map(shown), _hint(kind, hint, shown)


def why_ended(
    kind: str, words: str | None, hint: str | None, language: Language
) -> tuple[str | None, str | None, str | None]:
    """Return why a job ended, its English words where those say more, and what to do.

    A job keeps the kind of its failure, and its words and hint in English.
    """
    ending = ENDINGS.get(kind) or SENTENCES.get(kind)
    if language.code != "ru" or ending is None or _fields(ending):
        return words, None, hint
    return ending, words, _hint(kind, hint, {})


def _hint(kind: str, english: str | None, data: Mapping[str, object]) -> str | None:
    if data.get("near"):
        return f"Может быть, {data['near']}?"
    found = HINTS.get(kind)
    if found is not None and _fields(found) <= data.keys():
        return found.format_map(data)
    known = next((data[name] for name in _LISTS if data.get(name)), None)
    return f"Есть: {known}." if known else _OF_CLASSES.get(english)


def _fields(text: str) -> set[str]:
    """Return the names of the data that a text shows."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _shown(value: object) -> object:
    return ", ".join(map(str, value[:20])) if isinstance(value, list | tuple) else value
