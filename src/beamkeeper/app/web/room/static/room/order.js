/* The line moves while a number is typed: the same address is asked that the button asks, and what it draws is put
   in place. Until it is there the old drawing is faint. Without this file the button and the links do it. */
"use strict";
(() => {
  const form = document.querySelector("form.capacity");
  if (!form) return;
  const WAIT_MS = 250;
  const places = form.elements.places;
  let timer = 0;
  let last = 0;

  const draw = async (isBaseline) => {
    const mine = ++last;
    const address = `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
    document.getElementById("drawn").classList.add("old");
    const answer = await fetch(address).catch(() => null);
    if (mine !== last) return;
    if (!answer || !answer.ok || answer.redirected) return location.assign(address); // the browser says why
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== last) return;
    document.getElementById("drawn").replaceWith(page.getElementById("drawn"));
    form.querySelector(".steps").replaceWith(page.querySelector(".steps"));
    if (isBaseline && !form.elements.was_places) form.append(...page.querySelectorAll("form.capacity [name^=was_]"));
    history.replaceState(null, "", address);
  };
  const soon = (isBaseline) => {
    clearTimeout(timer);
    timer = setTimeout(draw, WAIT_MS, isBaseline);
  };
  const step = (by) => {
    places.value = Math.max(0, (parseInt(places.value, 10) || 0) + by);
    soon(false);
  };

  form.addEventListener("input", () => soon(false));
  form.addEventListener("change", () => soon(true));
  form.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-step]");
    if (!link) return;
    event.preventDefault();
    step(Number(link.dataset.step));
  });
  places.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by) event.preventDefault(), step(by);
  });
})();
