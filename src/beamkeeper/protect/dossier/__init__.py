"""Papers about one patient that open anywhere and print in black and white.

`make_dossier` turns the facts of a patient (`DossierSource`) into what stands on the dossier; `render_pdf`,
`render_text`, `render_html` show that, none of them more than another. `materials_of` chooses what a plan is
drawn from, `pictures_of` draws it, and `pictures_together` several plans, what they share read once: planes
through the isocentres with contours and dose, dose-volume histograms, and what each beam leaves open; with
every picture the same in words. `record_report` is the shorter sheet of the hour: what was delivered. Every
value goes in as data, never as markup.
"""

from beamkeeper.protect.dossier.choosing import materials_of
from beamkeeper.protect.dossier.making import make_dossier
from beamkeeper.protect.dossier.material import PlanMaterial
from beamkeeper.protect.dossier.page import render_html
from beamkeeper.protect.dossier.pdf import render_pdf
from beamkeeper.protect.dossier.photos import portrait, setup_photo
from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.protect.dossier.pictures import Pictures, named, pictures_of, pictures_together
from beamkeeper.protect.dossier.record_report import RecordReport, record_report
from beamkeeper.protect.dossier.sheet import Dossier
from beamkeeper.protect.dossier.source import DossierSource, KeptDocument, Provenance
from beamkeeper.protect.dossier.text import render_text

__all__ = [
    "Dossier",
    "DossierSource",
    "KeptDocument",
    "Picture",
    "PictureKind",
    "Pictures",
    "PlanMaterial",
    "Provenance",
    "RecordReport",
    "make_dossier",
    "materials_of",
    "named",
    "pictures_of",
    "pictures_together",
    "portrait",
    "record_report",
    "render_html",
    "render_pdf",
    "render_text",
    "setup_photo",
]
