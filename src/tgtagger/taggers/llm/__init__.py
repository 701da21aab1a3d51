"""Tags by a language model, of any server that speaks OpenAI's chat completions over HTTP.

Other packages use `tagger`. A run is a `plan`, which decides what to send and what a response
means, and a loop (`run`), which sends. The plan asks `queue` which posts go together and which go
again, `rate_limiter` when the next request may go, `costs` whether the money lasts, `trouble`
whether the run goes on when nothing succeeds; it keeps its pending events in `pending`.

`prompt` writes the words for a model; `exchange` joins them with the vocabulary and reads the
answer. `api` is the wire: requests, responses, and the client. `estimate` tells what a run would
take, `probe` what a server can do.

Knows no store: results are yielded, and a callback gets the capabilities to store.
"""
