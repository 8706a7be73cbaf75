"""A release's transparency report, made from its manifest, its recorded evaluations and the workspace alone.

No figure of it is typed: every one names the file and the place (RFC 6901) that it was read from. What was not measured
says so, with the command that measures it. The words that stand around the figures are in words.toml.
"""
