"""`beamkeeper init`: make a site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.columns import Columns
from rich.panel import Panel
from rich.text import Text

from beamkeeper.app.cli.console import emit_json, out
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.app.site_template import SiteAnswers
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from beamkeeper.app.setup import NewSite

_PEER = re.compile(r"(?P<ae>[^@]{1,16})@(?P<host>[^@:]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


def command(
    directory: Annotated[
        Path, typer.Argument(help="Where site file, keys, data and vault shall lie.")
    ] = Path(),
    name: Annotated[str, typer.Option(help="The department's name, as reports show it.")] = "My department",
    time_zone: Annotated[str, typer.Option(help="IANA name, such as Europe/Brussels.")] = "Europe/Brussels",
    vault: Annotated[Path, typer.Option(help="The vault's directory, or a mounted share.")] = Path("vault"),
    archive: Annotated[str | None, typer.Option(metavar="AE@HOST:PORT", help="The DICOM archive.")] = None,
    ois: Annotated[str | None, typer.Option(metavar="URL", help="The OIS database (SQLAlchemy URL).")] = None,
    data: Annotated[Path, typer.Option(help="The directory of ledger, spool and reports.")] = Path("data"),
    mapping: Annotated[Path | None, typer.Option(help="The OIS mapping file.")] = None,
    port: Annotated[int, typer.Option(help="Port of our own receiver.")] = 11113,
    encrypt_only: Annotated[
        bool,
        typer.Option("--encrypt-only", help="No key that opens parcels here, and a sealed data directory."),
    ] = False,
    on_sealed_disk: Annotated[
        bool, typer.Option("--on-sealed-disk", help="With it: the data directory lies on LUKS already.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Make a site: a commented site file, its keys, an empty vault.

    The recovery key is shown once as five cards of words and never stored. Any three cards open the
    vault; fewer open nothing. With --encrypt-only so is the passphrase of the data directory.

    Example: beamkeeper init /srv/beamkeeper --name "AZ Example" --archive ARIA@10.1.2.3:104
    """
    from beamkeeper.app.setup import make_site

    answers = SiteAnswers(
        name=name,
        time_zone=time_zone,
        data_dir=data,
        vault_dir=vault,
        keys_dir=data / "keys" if encrypt_only else Path("keys"),
        encrypt_only=encrypt_only,
        on_sealed_disk=on_sealed_disk,
        receiver_port=port,
        archive=_parse_peer(archive) if archive else None,
        ois_url=ois,
        ois_mapping=mapping.resolve() if mapping else None,
    )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if archive is None and ois is None:
        raise ConfigError(
            "A site needs at least one source.",
            do_next="Name the archive (--archive AE@HOST:PORT) or the OIS database (--ois URL).",
        )
    made = make_site(directory / "beamkeeper.toml", answers, SystemClock())
    if json_:
        emit_json(
            {
                "site_file": made.site_file,
                "recovery_recipient": made.recipient,
                "root_public_key": made.root_public_key,
                "cards": made.cards,
                **({"data_passphrase": made.data_passphrase} if made.data_passphrase else {}),
            }
        )
    else:
        show(made)


def _parse_peer(text: str) -> tuple[str, str, int]:
    found = _PEER.fullmatch(text)
    if found is None:
        raise ConfigError(f"{text!r} is not AE@HOST:PORT.", do_next="Write it like ARIA@10.1.2.3:104.")
    return found["ae"], found["host"].strip("[]"), int(found["port"])


ENCRYPT_ONLY = (
    "[bold]This collector only encrypts.[/] Whoever steals it cannot open the vault with what is on it. "
    "The price: a change is named, but what the old value was is sealed, and nothing is drawn. `restore`, "
    "`vault verify --open` and `vault rebuild` need three cards.\n"
)
DATA = (
    "[bold]Its data directory is sealed[/] (gocryptfs), and open now. After each start of the computer "
    "somebody types this passphrase: beamkeeper data open. It is shown now and never again, and lies "
    "nowhere in clear. Keep it apart from the computer. Three cards give it back: "
    "beamkeeper data open --words. For a start without people: docs/guide/sealed-data.md.\n"
)


def show(made: NewSite) -> None:
    """Print the cards once, and what to do with them."""
    out.print(f"\n[bold]The site is made.[/] Site file: {made.site_file}\n", soft_wrap=True)
    if made.site.vault.encrypt_only:
        out.print(ENCRYPT_ONLY, width=80)
    if made.data_passphrase:
        out.print(DATA, width=80)
        out.print(f"    [bold]{made.data_passphrase}[/]\n")
    show_recovery(made, out)
    out.print(
        "[bold]Next[/]\n"
        "  1. Check the site file; every line is explained there.\n"
        "  2. beamkeeper doctor     is everything reachable?\n"
        "  3. beamkeeper night      the first night\n"
    )


def show_recovery(made: NewSite, console: Console) -> None:
    """Print what exists nowhere else: the cards, and the root key to write beside the words."""
    console.print(
        "The recovery key follows as five cards of words. It is shown [bold]now and never again[/], and "
        "is stored nowhere. Write each card on paper, by hand, and give it to a different person outside "
        "the hospital network. Any three cards open the vault; two open nothing.\n",
        width=80,
    )
    for number, words in enumerate(made.cards, start=1):
        console.print(card(number, words))
    console.print(
        "\nOn every card, write this too: by it a copy of the vault is recognised as yours.\n"
        f"{made.root_public_key}\n",
        soft_wrap=True,
    )


def card(number: int, words: tuple[str, ...]) -> Panel:
    """Return one card: numbered words in three columns, fit for 80 columns and for paper."""
    numbered = [Text(f"{index:>2} {word}") for index, word in enumerate(words, start=1)]
    return Panel(
        Columns(numbered, width=18, column_first=True, equal=True),
        title=f"Card {number} of 5 · any 3 open the vault",
        width=78,
    )
