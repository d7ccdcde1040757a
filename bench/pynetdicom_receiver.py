"""A storage receiver by pynetdicom, one file an object: `python bench/pynetdicom_receiver.py PORT FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts, VerificationPresentationContexts


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])

    def keep(event: evt.Event) -> int:
        (folder / f"{event.request.AffectedSOPInstanceUID}.dcm").write_bytes(event.encoded_dataset())
        return 0

    ae = AE(ae_title="ANY-SCP")
    ae.maximum_pdu_size = 131072
    ae.supported_contexts = [*AllStoragePresentationContexts, *VerificationPresentationContexts]
    ae.start_server(("127.0.0.1", port), block=True, evt_handlers=[(evt.EVT_C_STORE, keep)])


if __name__ == "__main__":
    main()
