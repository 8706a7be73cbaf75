"""ECG paper, films and signed colours in true millimetres, the same for a page, a print and a picture."""
