"""Stands before boto3 in the processes that tests and benchmarks start: the collector has none.

boto3 is here for one peer of the tests. securesystemslib imports it wherever it finds it, which takes a third
of a second of the processor in every process of ours.
"""

message = "the collector has no boto3"
raise ImportError(message)
