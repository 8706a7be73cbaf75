"""A whole export of a wearable → studies of one person with their times: what is in it, its best windows, the trend."""
