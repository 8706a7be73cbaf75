"""The synthetic cohort: patients drawn from a documented prior, then film, ECG, PPG and report of every encounter.

Everything is generated; nobody in it exists. The generators are fitted on open recordings, which are not shipped. It
gives the shipped workspace neighbours on a fresh machine; its card, data/demo/README.md, says what it can and cannot
show.
"""
