"""Ways to call people: a web hook (SMS or pager gateways), syslog, a command on this machine (a siren).

Each is a `Channel`: it takes an `Alert` or says in a plain sentence why not, within a bounded time. An
alert names no patient; who is called when is decided elsewhere.
"""

from beamkeeper.wire.alerting.channel import SEND_S_MAX, Alert, Channel, Severity
from beamkeeper.wire.alerting.command import CommandChannel
from beamkeeper.wire.alerting.hook import HookChannel
from beamkeeper.wire.alerting.syslog import SyslogChannel, SyslogTransport

__all__ = [
    "SEND_S_MAX",
    "Alert",
    "Channel",
    "CommandChannel",
    "HookChannel",
    "Severity",
    "SyslogChannel",
    "SyslogTransport",
]
