"""Published severity tables: one suite a file."""
