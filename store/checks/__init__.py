"""Running a check command, and reading what it says."""
