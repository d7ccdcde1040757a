"""Every night and hour: who must be kept, what is collected, what changed, who is told.

One folder a capability: `census` (who is on the list), `collect` (fetching what they need), `compare`
(what changed, in words), `report` (what people read in the morning). They do not import one another;
`app.jobs` joins them.
"""
