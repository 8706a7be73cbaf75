"""What the tests against a real Orthanc share."""

from helpers.orthanc import server as server
