"""The console: the pages people look at in the morning, and vote on. Nothing is decided here.

Each page asks the jobs and the ledger what they know and shows it; who may see which page is one table
(`permissions`). Accounts, sessions and second factors lie in a database of their own (`console.db`), which
holds nothing about patients. Others may use `serve` (the server), `accounts` (people and invitations) and
`certificates` (the console's own authority). Works offline, without JavaScript: `docs/guide/console.md`.
"""
