"""Telegram itself, through Telethon: sign in, and read channels.

`sign_in` signs in and out, `session` keeps sessions and connects, `connection` sends requests and
waits, `source` reads a channel page by page. `errors` turns Telegram's failures into ours, and
`telethon_internals` holds all uses of Telethon's private parts. `convert`, `media`, `entities`,
`inline` and `blocks` turn a message into a post. They take its plain form (nested dicts with the
class's name under "_") and need no Telethon, so that a stored raw record is converted like a fresh
message.
Knows no store.
"""
