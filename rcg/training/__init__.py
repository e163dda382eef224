"""Training: specs, architectures, the loop, metrics, prediction. Library code: no server, no database.

torch is imported by the modules that compute, never by :mod:`rcg.training.spec` and the other descriptions
that pages
and routers read.
"""
