"""Where the codes are searched: in this process, by faiss, or at sites on Ray or PostgreSQL, all with one protocol."""
