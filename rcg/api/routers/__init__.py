"""The routes, one module per part of the product; they hold no logic."""
