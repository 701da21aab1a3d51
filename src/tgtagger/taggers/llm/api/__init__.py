"""The chat-completions API: requests, responses, the client that speaks HTTP."""
