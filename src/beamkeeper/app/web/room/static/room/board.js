/* Dragging on the board. It only chooses: a drop asks for the same page that the links and the form ask for,
   and nothing is moved before somebody has seen the price there and signed. Without this file all of it works
   by links. No library, nothing is sent anywhere but the address of that page. */
"use strict";
(() => {
  const board = document.getElementById("board");
  const tray = document.getElementById("machines");
  if (!board || !tray) return;
  const FAR_PX = 6, EDGE_PX = 48, STEP_PX = 14;
  const rows = [...tray.querySelectorAll("tr[data-machine]")];
  const machines = rows.map((row) => row.dataset.machine);
  let drag = null;
  let wasDragged = false;

  // Choosing by hand ------------------------------------------------------------------------------------

  const mayBegin = (event) =>
    event.isPrimary && event.button === 0 &&
    (event.pointerType === "mouse" ? !event.target.closest("a:not(.grip)") : event.target.closest(".grip"));

  board.addEventListener("pointerdown", (event) => {
    const row = event.target.closest("tr[data-fits]");
    wasDragged = false;
    if (row && mayBegin(event)) drag = { row, x: event.clientX, y: event.clientY, ghost: null, at: null };
  });
  board.addEventListener("dragstart", (event) => event.preventDefault()); // the browser's own, of links

  addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.ghost && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR_PX) return;
    event.preventDefault();
    if (!drag.ghost) lift();
    [drag.x, drag.y] = [event.clientX, event.clientY];
    follow();
  });
  addEventListener("pointerup", () => {
    const found = drag && drag.ghost && drag.at;
    wasDragged = Boolean(drag && drag.ghost);
    const patient = drag && drag.row.dataset.patient;
    letGo();
    if (found && found.isOpen) ask(patient, found);
  });
  addEventListener("pointercancel", () => letGo());
  addEventListener("click", (event) => { // the one that ends a drag on the link it began on
    if (wasDragged) event.preventDefault();
    wasDragged = false;
  }, true);

  function lift() {
    getSelection().removeAllRanges();
    drag.ghost = document.createElement("div");
    drag.ghost.className = "ghost";
    drag.name = drag.row.querySelector(".name").textContent;
    document.body.append(drag.ghost);
    document.body.classList.add("dragging");
    drag.row.classList.add("lifted");
    tray.parentElement.style.height = `${tray.offsetHeight}px`; // nothing below it jumps
    tray.classList.add("tray");
    for (const row of document.querySelectorAll("[data-machine]")) {
      row.classList.toggle("never", !isOpen(row.dataset.machine));
    }
    scrollAtTheEdge();
  }

  function follow() {
    drag.ghost.style.transform = `translate(${drag.x + 14}px, ${drag.y + 14}px)`;
    if (drag.at) drag.at.cell.classList.remove("target");
    drag.at = placeAt(document.elementFromPoint(drag.x, drag.y));
    drag.ghost.textContent = drag.name;
    if (!drag.at) return;
    drag.ghost.textContent += ` → ${drag.at.words}`;
    if (drag.at.isOpen) drag.at.cell.classList.add("target");
  }

  function placeAt(element) {
    const cell = element && element.closest("td, th");
    const of = cell && cell.closest("[data-machine]");
    if (!of) return null;
    const machine = of.dataset.machine;
    if (!isOpen(machine)) return { cell, isOpen: false, words: `${machine}: not there` };
    if (cell.tagName === "TH") return { cell, machine, day: "", isOpen: true, words: `${machine}, best free day` };
    const { day, words } = tray.querySelector("table").tHead.rows[0].cells[cell.cellIndex].dataset;
    if (rowOf(machine).cells[cell.cellIndex].classList.contains("closed")) {
      return { cell, isOpen: false, words: `${machine}: not on ${words}` };
    }
    return { cell, machine, day, isOpen: true, words: `${machine}, ${words}` };
  }

  function rowOf(machine) {
    return rows[machines.indexOf(machine)];
  }

  function isOpen(machine) {
    return "ABC".includes(drag.row.dataset.fits[machines.indexOf(machine)]);
  }

  function scrollAtTheEdge() {
    if (!drag) return;
    const over = tray.contains(document.elementFromPoint(drag.x, drag.y)) ? tray : null;
    const box = over ? over.getBoundingClientRect() : { top: 0, bottom: tray.getBoundingClientRect().top };
    const step = drag.y < box.top + EDGE_PX ? -STEP_PX : drag.y > box.bottom - EDGE_PX ? STEP_PX : 0;
    if (step) {
      (over || window).scrollBy(0, step);
      follow();
    }
    requestAnimationFrame(scrollAtTheEdge);
  }

  function letGo() {
    if (drag && drag.ghost) {
      drag.ghost.remove();
      drag.row.classList.remove("lifted");
      if (drag.at) drag.at.cell.classList.remove("target");
      document.body.classList.remove("dragging");
      tray.classList.remove("tray");
      tray.parentElement.style.height = "";
      for (const row of document.querySelectorAll(".never")) row.classList.remove("never");
    }
    drag = null;
  }

  // Choosing by keys ------------------------------------------------------------------------------------

  const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (drag) return letGo();
      const leave = document.querySelector("a.leaves");
      return leave && leave.click();
    }
    const step = ARROWS[event.key];
    const cell = step && tray.contains(event.target) && event.target.closest("td, th");
    if (!cell || event.target.tagName !== "A") return;
    const next = beside(cell, step);
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });

  function beside(cell, [down, right]) {
    let [y, x] = [rows.indexOf(cell.parentElement) + down, cell.cellIndex + right];
    for (; rows[y] && x >= 0 && x < cell.parentElement.cells.length; y += down, x += right) {
      const link = rows[y].cells[x]?.querySelector("a");
      if (link) return link;
    }
    return null;
  }

  // Staying where one was: from the drop to the price, and back when it is signed or left ----------------

  const KEPT = "beamkeeper-board-at";

  function ask(patient, place) {
    const form = document.getElementById("ask");
    form.elements.patient.value = patient;
    form.elements.machine.value = place.machine;
    form.elements.from.value = place.day;
    sessionStorage.setItem(KEPT, String(scrollY));
    form.requestSubmit();
  }

  board.addEventListener("click", (event) => event.target.closest(".grip") && sessionStorage.removeItem(KEPT));
  const kept = sessionStorage.getItem(KEPT);
  if (kept) addEventListener("load", () => scrollTo(0, Number(kept)));
  if (!document.querySelector(".sheet")) sessionStorage.removeItem(KEPT);
})();
