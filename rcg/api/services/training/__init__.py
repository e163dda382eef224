"""Training over REST: choose, plan, launch, control, look, compare; and what comes of it."""
