"""Sites that learn one hash function together: what travels, how it is put together, what that gives away."""
