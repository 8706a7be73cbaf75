"""What a release is worth on recordings: one module per `casebind evaluate NAME`."""
