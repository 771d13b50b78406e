"""What people see: the score store, the scoring job, the API and the pages."""
