"""MIMIC: films (MIMIC-CXR-JPG), ECGs (MIMIC-IV-ECG), the hospital's tables (MIMIC-IV), and the pairs among them."""
