"""What runs RCG as a server: the start in steps, health, certificates, the terminal's words, the end."""
