"""From ratings to a promoted release: review queues, rounds, the gate, promotion and rollback."""
