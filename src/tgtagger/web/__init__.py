"""The web face: pages and an HTTP API over the archive and over `runs`, for one person's browser.

`application.make_app` puts it together; `server.serve` listens. A route is a signature and a few
statements: `Depends` hands out the store and the settings, one function of `runs` or one verb of
the store does the work, and `problems` turns an error into an answer. Knows no rule, no SQL and no
command; the command line imports it only for `serve`, since its libraries are an extra.
"""
