"""From files to a graded card: what a folder holds, and the run that grades it."""
