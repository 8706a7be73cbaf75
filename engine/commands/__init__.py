"""The command line: one module per `casebind NAME`, imported when it is called."""
