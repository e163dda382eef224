"""Certificates: an own authority limited to this home's names, the server's certificate, their trust."""
