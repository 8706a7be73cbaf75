"""Arrays → numbers: rankings, classification, intervals by patient."""
