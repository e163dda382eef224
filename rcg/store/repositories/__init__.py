"""The only SQL: small typed functions that take a session and return rows."""
