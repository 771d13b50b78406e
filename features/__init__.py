"""What is known about an account at a moment: tables, sources, data quality, windows, signals."""
