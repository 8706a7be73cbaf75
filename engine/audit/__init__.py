"""The audit of a workspace, looked at: checkpoints and their key, verification, questions, and files for others."""
