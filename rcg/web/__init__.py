"""The pages: the shell (dashboard, jobs, settings) and the cards with their reports."""
