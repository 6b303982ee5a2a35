"""What stands around the function: the platform as a handler sees it, and the server of a container.

Never in the zip: there the platform itself is around it.
"""
