"""The shell: dashboard, jobs, settings, sign-in, and the living page of parts."""
