"""The sentences of letters in Dutch, French, German and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from beamkeeper.domain.change import Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Everything we write to people in one language; `{…}` are filled in."""

    night: str
    stopped: str
    nobody: str
    changes: str
    doubts: str
    doubt: str
    unsent: str
    first: str
    nothing: str
    incomplete: str
    kept: str
    not_whole: str
    quiet: str
    more: str
    ask: str
    list: str
    how: str
    how_here: str
    confirm: str
    dispute: str
    names: str
    counted: str
    only: str
    refused: str
    not_understood: str
    confirmed: str
    waiting: str
    disputed: str


PHRASES: Final[dict[str, Phrases]] = {
    "en": Phrases(
        night="Night of {night}:",
        stopped="STOPPED by a mass change; the last good copies are untouched",
        nobody="NOBODY was on the list; this is not a quiet night",
        changes="{count} to look at",
        doubts="{count} with a doubt about who it is",
        doubt="doubt about who it is",
        unsent="exports of approved plans that failed: {count}",
        first="the first night: there is nothing to compare with",
        nothing="everybody kept, nothing unexpected changed",
        incomplete="not everything could be kept",
        kept="Patients kept whole: {whole} of {total}",
        not_whole="NOT kept whole",
        quiet="Nothing needs a vote.",
        more="more patients, on the collector's page: {count}",
        ask="{people} different people must look and confirm before {deadline}.",
        list="The list of changes that this is about; the collector's page shows the same letters:",
        how="Look at the page of the collector first. To vote by mail, answer with ONE of these lines, above"
        " everything that is quoted. The code is yours alone, counts once, and until {expires}.",
        how_here="Look at the page of the collector first. Your code, if you vote on its "
        "command line: yours alone,"
        " once, until {expires}.",
        confirm="CONFIRM",
        dispute="DISPUTE",
        names="Patients are called by the first letters of their pseudonym; names stand on "
        "the collector's page only.",
        counted="Your vote for the night of {night} counts: {verdict}.",
        only="Only for part of the list; number of patients: {count}.",
        refused="Your mail about the night of {night} was NOT counted as a vote.",
        not_understood="Write one line at the very top, nothing else in it: CONFIRM or "
        "DISPUTE, and your code. "
        "Plain text, not HTML alone; do not only quote our mail.",
        confirmed="The night is confirmed.",
        waiting="The night still waits for somebody else.",
        disputed="The night is disputed: nothing is purged, and people are called.",
    ),
    "nl": Phrases(
        night="Nacht van {night}:",
        stopped="GESTOPT door een massale wijziging; de laatste goede kopieën zijn onaangeroerd",
        nobody="NIEMAND op de lijst; dit is geen rustige nacht",
        changes="{count} te bekijken",
        doubts="{count} met twijfel over wie het is",
        doubt="twijfel over wie het is",
        unsent="mislukte exports van goedgekeurde plannen: {count}",
        first="de eerste nacht: er is niets om mee te vergelijken",
        nothing="iedereen bewaard, niets onverwachts gewijzigd",
        incomplete="niet alles kon bewaard worden",
        kept="Patiënten volledig bewaard: {whole} van {total}",
        not_whole="NIET volledig bewaard",
        quiet="Er is geen stem nodig.",
        more="verdere patiënten, op de pagina van de collector: {count}",
        ask="{people} verschillende personen moeten dit bekijken en bevestigen vóór {deadline}.",
        list="De lijst met wijzigingen waarover dit gaat; de pagina van de collector toont dezelfde letters:",
        how="Bekijk eerst de pagina van de collector. Stem per mail door te antwoorden met "
        "ÉÉN van deze regels, boven"
        " alles wat geciteerd is. De code is van u alleen, telt één keer, en tot {expires}.",
        how_here="Bekijk eerst de pagina van de collector. Uw code, als u op de opdrachtregel "
        "stemt: van u alleen,"
        " één keer, tot {expires}.",
        confirm="BEVESTIG",
        dispute="BETWIST",
        names="Patiënten staan hier met de eerste letters van hun pseudoniem; namen staan "
        "enkel op de pagina van de collector.",
        counted="Uw stem voor de nacht van {night} telt: {verdict}.",
        only="Alleen voor een deel van de lijst; aantal patiënten: {count}.",
        refused="Uw mail over de nacht van {night} is NIET als stem geteld.",
        not_understood="Schrijf helemaal bovenaan één regel met niets anders: BEVESTIG of "
        "BETWIST, en uw code. "
        "Platte tekst, niet enkel HTML; citeer niet alleen onze mail.",
        confirmed="De nacht is bevestigd.",
        waiting="De nacht wacht nog op iemand anders.",
        disputed="De nacht is betwist: er wordt niets verwijderd en er wordt alarm geslagen.",
    ),
    "fr": Phrases(
        night="Nuit du {night} :",
        stopped="ARRÊTÉE par un changement massif ; les dernières bonnes copies sont intactes",
        nobody="PERSONNE sur la liste ; ce n'est pas une nuit calme",
        changes="{count} à regarder",
        doubts="{count} dont l'identité est incertaine",
        doubt="identité incertaine",
        unsent="exports de plans approuvés échoués : {count}",
        first="la première nuit : il n'y a rien à quoi comparer",
        nothing="tous conservés, rien d'inattendu n'a changé",
        incomplete="tout n'a pas pu être conservé",
        kept="Patients entièrement conservés : {whole} sur {total}",
        not_whole="PAS entièrement conservé",
        quiet="Aucun vote n'est nécessaire.",
        more="autres patients, sur la page du collecteur : {count}",
        ask="{people} personnes différentes doivent regarder et confirmer avant {deadline}.",
        list="La liste de changements dont il s'agit ; la page du collecteur montre les mêmes lettres :",
        how="Regardez d'abord la page du collecteur. Pour voter par mail, répondez avec UNE "
        "de ces lignes, au-dessus de"
        " tout texte cité. Le code est à vous seul, compte une fois, et jusqu'au {expires}.",
        how_here="Regardez d'abord la page du collecteur. Votre code, pour voter en ligne de "
        "commande : à vous seul,"
        " une fois, jusqu'au {expires}.",
        confirm="CONFIRME",
        dispute="CONTESTE",
        names="Les patients sont désignés par les premières lettres de leur pseudonyme ; les "
        "noms ne figurent que sur la page "
        "du collecteur.",
        counted="Votre vote pour la nuit du {night} compte : {verdict}.",
        only="Pour une partie de la liste seulement ; nombre de patients : {count}.",
        refused="Votre mail sur la nuit du {night} n'a PAS été compté comme vote.",
        not_understood="Écrivez tout en haut une seule ligne, sans rien d'autre : CONFIRME ou "
        "CONTESTE, et votre code. "
        "Texte brut, pas seulement du HTML ; ne citez pas seulement notre mail.",
        confirmed="La nuit est confirmée.",
        waiting="La nuit attend encore quelqu'un d'autre.",
        disputed="La nuit est contestée : rien n'est supprimé et l'alerte est donnée.",
    ),
    "de": Phrases(
        night="Nacht vom {night}:",
        stopped="GESTOPPT wegen einer Massenänderung; die letzten guten Kopien sind unberührt",
        nobody="NIEMAND auf der Liste; dies ist keine ruhige Nacht",
        changes="{count} anzusehen",
        doubts="{count} mit Zweifel, wer es ist",
        doubt="Zweifel, wer es ist",
        unsent="fehlgeschlagene Exporte freigegebener Pläne: {count}",
        first="die erste Nacht: es gibt nichts zum Vergleichen",
        nothing="alle bewahrt, nichts Unerwartetes hat sich geändert",
        incomplete="nicht alles konnte bewahrt werden",
        kept="Vollständig bewahrte Patienten: {whole} von {total}",
        not_whole="NICHT vollständig bewahrt",
        quiet="Es ist keine Stimme nötig.",
        more="weitere Patienten, auf der Seite des Sammlers: {count}",
        ask="{people} verschiedene Personen müssen dies vor {deadline} ansehen und bestätigen.",
        list="Die Liste der Änderungen, um die es geht; die Seite des Sammlers zeigt dieselben Zeichen:",
        how="Sehen Sie zuerst die Seite des Sammlers an. Per Mail stimmen Sie mit EINER "
        "dieser Zeilen ab, oberhalb von"
        " allem Zitierten. Der Code gehört nur Ihnen, zählt einmal, und bis {expires}.",
        how_here="Sehen Sie zuerst die Seite des Sammlers an. Ihr Code für die Befehlszeile: nur für Sie,"
        " einmal, bis {expires}.",
        confirm="BESTÄTIGE",
        dispute="BESTREITE",
        names="Patienten stehen hier mit den ersten Buchstaben ihres Pseudonyms; Namen stehen "
        "nur auf der Seite des Sammlers.",
        counted="Ihre Stimme zur Nacht vom {night} zählt: {verdict}.",
        only="Nur für einen Teil der Liste; Zahl der Patienten: {count}.",
        refused="Ihre Mail zur Nacht vom {night} wurde NICHT als Stimme gezählt.",
        not_understood="Schreiben Sie ganz oben eine Zeile und nichts anderes: BESTÄTIGE oder "
        "BESTREITE, und Ihren Code. "
        "Reiner Text, nicht nur HTML; zitieren Sie nicht nur unsere Mail.",
        confirmed="Die Nacht ist bestätigt.",
        waiting="Die Nacht wartet noch auf jemand anderen.",
        disputed="Die Nacht ist bestritten: Es wird nichts gelöscht, und es wird Alarm gegeben.",
    ),
}

GRADES: Final[dict[str, dict[Grade, str]]] = {
    "en": {
        Grade.CLINICAL: "CLINICAL",
        Grade.UNREADABLE: "UNREADABLE",
        Grade.MISSING: "MISSING",
        Grade.ADMINISTRATIVE: "administrative",
        Grade.NEW: "new",
        Grade.RE_ENCODED: "re-encoded",
        Grade.IDENTICAL: "identical",
    },
    "nl": {
        Grade.CLINICAL: "KLINISCH",
        Grade.UNREADABLE: "ONLEESBAAR",
        Grade.MISSING: "VERDWENEN",
        Grade.ADMINISTRATIVE: "administratief",
        Grade.NEW: "nieuw",
        Grade.RE_ENCODED: "anders gecodeerd",
        Grade.IDENTICAL: "identiek",
    },
    "fr": {
        Grade.CLINICAL: "CLINIQUE",
        Grade.UNREADABLE: "ILLISIBLE",
        Grade.MISSING: "DISPARU",
        Grade.ADMINISTRATIVE: "administratif",
        Grade.NEW: "nouveau",
        Grade.RE_ENCODED: "réencodé",
        Grade.IDENTICAL: "identique",
    },
    "de": {
        Grade.CLINICAL: "KLINISCH",
        Grade.UNREADABLE: "UNLESBAR",
        Grade.MISSING: "VERSCHWUNDEN",
        Grade.ADMINISTRATIVE: "administrativ",
        Grade.NEW: "neu",
        Grade.RE_ENCODED: "neu kodiert",
        Grade.IDENTICAL: "identisch",
    },
}
