"""Who may come in: accounts and their passwords, sessions, and the gate that stands before every address of the app."""
