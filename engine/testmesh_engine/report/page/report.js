"use strict";
// The page reads without this: it adds a filter, a search, copying, keys, and opens what a link points at.
(() => {
  const root = document.documentElement;
  const tools = document.getElementById("tools");
  const failed = document.getElementById("failed-only");
  const search = document.getElementById("search");
  const steps = [...document.querySelectorAll("details.step")];
  const bad = steps.filter((step) => step.classList.contains("bad"));
  tools.hidden = false;
  root.dataset.script = "ran";

  const showFailed = (only) => {
    if (only) root.dataset.show = "failed"; else delete root.dataset.show;
    failed.setAttribute("aria-pressed", String(only));
  };
  failed.addEventListener("click", () => showFailed(root.dataset.show !== "failed"));

  const find = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const step of steps) {
      const text = words.length ? step.textContent.toLowerCase() : "";
      step.classList.toggle("unfound", !words.every((word) => text.includes(word)));
    }
  };
  let later = 0;
  search.addEventListener("input", () => { clearTimeout(later); later = setTimeout(find, 120); });

  const all = (open) => { for (const step of steps) step.open = open; };
  document.getElementById("open-all").addEventListener("click", () => all(true));
  document.getElementById("close-all").addEventListener("click", () => all(false));

  const show = (step) => {
    for (let at = step; at; at = at.parentElement) if (at.matches("details.step")) at.open = true;
    step.scrollIntoView({ block: "start" });
    step.querySelector("summary").focus({ preventScroll: true });
  };
  let at = -1;
  const next = (by) => {
    if (!bad.length) return;
    at = at < 0 && by < 0 ? bad.length - 1 : (at + by + bad.length) % bad.length;
    show(bad[at]);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) { if (event.key === "Escape") search.blur(); return; }
    if (event.key === "f") failed.click();
    else if (event.key === "n") next(1);
    else if (event.key === "p") next(-1);
    else if (event.key === "/") { event.preventDefault(); search.focus(); }
  });

  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.matches("details.step")) return;
    if (!target.classList.contains("bad")) showFailed(false);
    target.classList.remove("unfound");
    show(target);
  };
  addEventListener("hashchange", follow);

  const copied = (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("not allowed"));
  };
  for (const pre of document.querySelectorAll("pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", () => copied(pre.textContent).then(
      () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500); },
      () => { button.textContent = "Select and copy by hand"; },
    ));
    pre.parentElement.append(button);
  }
  follow();
})();
