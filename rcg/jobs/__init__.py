"""Jobs: the row is the truth, Valkey dispatches, slots compute."""
