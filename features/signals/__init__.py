"""The signals, one file per dimension."""
