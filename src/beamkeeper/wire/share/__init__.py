"""Places with folders: a directory or USB disk, an SFTP server, a Windows share.

`DirectoryDestination`, `SftpDestination` and `SmbDestination` are adapters of the port in
`wire.destination`. Others import the one they need from its module: asyncssh is an extra, and a site
without SFTP does without it. `DropFolder` is a machine's share: written to and cleared of what is ours.
"""

__all__: list[str] = []
