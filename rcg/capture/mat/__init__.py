"""The mat on paper: a sheet to print, made of the same layout that the engine looks for."""
