"""Tags by a language model, of any server that speaks OpenAI's chat completions over HTTP.

`tagger` is what others see. A run is a `plan` that says what to send and what a response means, and
a loop (`run`) that does so. The plan asks `queue` which posts go together and which are asked
again, `rate_limiter` when the next request may go, `costs` whether the money lasts, `trouble`
whether the run goes on when nothing succeeds; what it has to tell is kept in `pending`.

`prompt` says what is asked of a model; `exchange` joins it with the vocabulary and reads what comes
back. `api` is the wire: requests, responses, and the client. `estimate` says beforehand what a run
would be, `probe` what a server can do.

Knows no store: results are yielded, and what is to be remembered is told by a callback.
"""
