"""Casebind's engine: intake → encoders → binding → hashing → index → retrieval → explain, learning, measure.

Importing this package costs nothing; import the part you need. It never imports streamlit.
"""

from engine.version import __version__

__all__ = ["__version__"]
