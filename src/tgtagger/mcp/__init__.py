"""The face for agents: a server of the Model Context Protocol over the archive.

`server` puts it together and speaks over stdio or HTTP. A tool is a signature and a few statements:
one verb of the store or one function of `runs`, and the answer. `failures` turns an error into a
tool error. What strangers wrote stands between marks that no post can forge (`marks`). Knows no
rule, no SQL and no page; the command line imports it only for `mcp` and `serve`, since its library
is an extra.
"""
