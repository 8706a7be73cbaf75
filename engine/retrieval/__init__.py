"""The path of a query, from a study to its audited answer.

    search.py           the entry points: a new study, what was asked before, a part, the mean of several, otherwise
                        labelled; each with one Options and the actor who asks
    answer.py           Options, Answer, Neighbour and the stopwatch
    stored_query.py     a query that is stored or a study of the workspace, with its code; who is left out
    part.py, mean.py    a box or a stretch as a query; several cases as one
    neighbours.py       the mask of actor, filters and own patient → the backend's search → rows
    rerank.py           the nearest in another order
    typed.py            typed words: labelled studies first, then near ones; typed_words.py, what was understood
    meaning.py          findings near words in the release's space
    calibration.py      what a distance means under the release
    group_radius.py     the radius of the query's own group, where radii by group are in use
    radius_counts.py    how many lie within each radius
    counterexamples.py  which labels the cases labelled otherwise must not have
    wording.py          a neighbour in words
    warmup.py           what a start encodes once

Before it, engine.intake reads the file and judges it, and engine.model.release makes its code. Below it,
engine.workspace.releases names the release whose codes answer, engine.backends search them, and engine.store reads rows
under engine.store.permission and writes query and audit.
"""
