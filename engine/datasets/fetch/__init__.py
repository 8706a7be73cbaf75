"""Open data sets from their publishers' own addresses: resumable, checked, in the layout that the adapters read.

`sources` says what is published where, `plan` which files of it are wanted, `download` gets one file, `unpack` opens an
archive, `fetching` does all of it.
"""
