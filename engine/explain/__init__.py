"""Why two studies matched: signed attributions of their similarity, drawn on the film or along the trace."""
