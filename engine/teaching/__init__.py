"""Collections of cases and quizzes built from them, over the workspace's one file."""
