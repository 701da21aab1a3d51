"""Telegram itself, through Telethon: sign in, and read channels.

`session` signs in and connects, `connection` asks and waits, `source`
reads a channel page by page, `errors` turns Telegram's
failures into ours; `convert`, `media`, `richtext` and `blocks` turn a message into a post, from
its plain form (nested dicts with the class's name under "_") and without Telethon, so that a
stored raw record is converted as a fresh message is. Knows no store.
"""
