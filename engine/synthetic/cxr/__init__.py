"""Synthetic chest films.

`body` draws a person and a pose, `tissue`, `bones` and `vessels` place their anatomy on a film with `raster`, `film`
renders it by attenuation, and `base` does so for an encounter. `appearance` gives a film the look of real ones, which
`fit_appearance` learns from those that `films` reads. `paint` then paints findings.
"""
