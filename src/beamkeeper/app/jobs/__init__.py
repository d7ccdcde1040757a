"""The jobs join the capabilities: the order of things, every I/O in sequence, nothing decided here.

`nightly` is the night, step by step; `durable` runs it as a workflow that survives `kill -9`;
`runtime` opens what a job needs; `notes` keeps what one step hands to the next.
"""
