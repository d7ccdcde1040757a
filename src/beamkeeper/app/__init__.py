"""The edges: the command line, the jobs that join the capabilities, the site file, later the pages.

Everything here parses, calls one function, prints, returns a status. Only this room asks the clock.
"""
