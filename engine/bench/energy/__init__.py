"""What a query costs in joules, by stage and kind, beside dense retrieval; and what a release cost to make."""
