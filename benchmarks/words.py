"""Words of Russian and English posts to make posts of; frequent words come more often."""

from __future__ import annotations

_COMMON = (
    "и в не на что с по это как а но из у за от так для же все мы он она они был была были "
    "есть года году россии россия москве москва новости новостей новость новый год рублей "
    "компания человек люди время день города город страна страны президент сообщил заявил "
    "рынок рынка цены цена работа работы проект проекта система данных сегодня вчера the of "
    "and to in a is for on with that by from market markets company report data new city "
    "people year price "
).split()
_ROOTS = (
    "авто агент архив банк берег ветер вопрос газет глав голос группа дорог завод закон "
    "звезд игр истор карт книг команд лес матч метро мост мотор музе наук област огон океан "
    "осен парк планет погод поезд полиц пример продукт разговор район рек робот сад свет "
    "север след совет спорт суд театр товар фильм хлеб центр школ экран энерг язык "
).split()
_ENDINGS = ("а у ы е ом ами ах ный ного ные ник ника ство ка ки ").split()

_BEGINNINGS = " про пере за на от до под анти не без само".split(" ")

WORDS = (
    _COMMON[:27] * 100  # function words: each in every third post
    + _COMMON * 2  # each in every hundredth
    + [start + root + end for start in _BEGINNINGS for root in _ROOTS for end in _ENDINGS]
)
