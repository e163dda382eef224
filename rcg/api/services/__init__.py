"""What the routes do, one module per part; each opens its own transaction and returns schemas."""
