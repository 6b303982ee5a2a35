"""What surrounds the function outside of the cloud: the platform as a handler sees it, and an HTTP server.

Never in the zip, where the platform itself surrounds it.
"""
