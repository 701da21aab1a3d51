"""Whatever comes: what holds of each reader for any input at all.

A surface has a function `fuzz_…(data: bytes)` that checks all that must hold; `targets` lists them,
each with inputs to begin with and a way to change those. The suite tries them by Hypothesis
(`test_fuzz`), `make fuzz` at length, guided by coverage where atheris is installed (`__main__`).
What was found once stands among the inputs to begin with.
"""
