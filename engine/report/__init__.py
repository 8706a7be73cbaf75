"""What leaves the workspace as a file: PDF, PNG, CSV, DICOM. Each carries the notice, release and audit number.

`export.export` is the one way out: it leaves out whoever withdrew consent, audits, and then makes the file.
"""
