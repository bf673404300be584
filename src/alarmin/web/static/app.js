// Pages work without this file; it checks regimens as they are typed, sends forms, follows runs, and builds regimens.
"use strict";

const $ = (query, within = document) => within.querySelector(query);
const $$ = (query, within = document) => [...within.querySelectorAll(query)];

function later(wait, act) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => act(...given), wait); };
}

// --- Regimens are read as they are typed.

for (const input of $$("[data-check=regimen]")) {
  const said = document.getElementById(`${input.id}-said`);
  const check = async () => {
    const text = input.value;
    const empty = input.id === "other" && !text.trim();
    let found = null;
    if (!empty) {
      const answer = await fetch(`/check/regimen?${new URLSearchParams({ regimen: text })}`);
      if (text !== input.value || !answer.ok) return;
      found = await answer.json();
    }
    said.className = found === null ? "said" : found.ok ? "said good" : "said bad";
    said.textContent = found === null ? "" : found.ok ? `Read as: ${found.regimen}` : `${found.message} → ${found.remedy}`;
    input.setAttribute("aria-invalid", String(found !== null && !found.ok));
  };
  input.addEventListener("input", later(250, check));
  check();
}

// --- Runs are followed; what they found takes its place in the page, without a reload.

async function pageAt(address, options) {
  const answer = await fetch(address, options);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // A parsed page has no scripts, so that its pictures for that case would be loaded.
  for (const part of $$("noscript", page)) part.remove();
  return { page, url: answer.url, ok: answer.ok };
}

function put(id, page) {
  const place = document.getElementById(id), fresh = page.getElementById(id);
  if (place && fresh) place.replaceWith(document.adoptNode(fresh));
}

let following = 0;

async function follow(card) {
  const into = card.dataset.into || "", mine = into ? 0 : ++following;
  const id = card.dataset.job, words = $("[data-words]", card), bar = $("progress", card);
  let seen = card.dataset.version;
  for (;;) {
    let job;
    try {
      const answer = await fetch(`/jobs/${id}?seen=${seen}`);
      if (!answer.ok) { location.reload(); return; }
      job = await answer.json();
    } catch {
      words.textContent = "The server does not answer; is it still running?";
      await new Promise((wake) => setTimeout(wake, 2000));
      continue;
    }
    if (mine && mine !== following) return;
    if (into && !card.isConnected) return;
    if (!job.open) break;
    if (words.textContent !== job.words) words.textContent = job.words;
    if (bar) bar.value = job.share;
    seen = job.version;
  }
  const { page } = await pageAt(location.href);
  if (mine && mine !== following) return;
  if (into) { put(into, page); return; }
  put("news", page);
  if ($("#found", page)?.children.length) { put("found", page); arrived(); }
}

function arrived() {
  document.dispatchEvent(new Event("found"));
  for (const card of $$("#news [data-job], #found [data-job]")) follow(card);
}

async function send(form, button) {
  const asked = new FormData(form, button);
  const sent = ++following;
  const files = form.enctype === "multipart/form-data";
  const open = $("#news [data-job]");
  if (asked.has("replaces") && open) asked.set("replaces", open.dataset.job);
  const { page, url, ok } = await pageAt(form.action, { method: "POST", body: files ? asked : new URLSearchParams(asked) });
  if (sent !== following) return;
  const refusal = $("[data-refusal]", form);
  refusal.replaceChildren(...($("[data-refusal]", page)?.childNodes ?? []));
  if (!ok) { refusal.scrollIntoView({ block: "nearest" }); return; }
  history.pushState(null, "", url);
  put("news", page);
  const card = $("#news [data-job]");
  if (card) follow(card); else { put("found", page); arrived(); }
}

for (const form of $$("form.asks")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form, event.submitter); });
}
addEventListener("popstate", () => location.reload());

for (const slider of $$("input[type=range]", $("[data-live]") ?? document.createElement("i"))) {
  const shown = slider.parentElement.querySelector("output");
  slider.addEventListener("input", () => { shown.textContent = `${slider.value} ${slider.dataset.unit}`; });
  slider.addEventListener("input", later(120, () => send(slider.form)));
}

// --- Regimens are put together by clicking.

const builder = document.getElementById("builder");
if (builder) {
  const now = document.getElementById("build-now"), dose = document.getElementById("build-dose");
  const picked = (name) => $(`input[name=build-${name}]:checked`, builder)?.value;
  const target = () => document.getElementById(picked("into"));
  const parts = () => target().value.split(/\s+\+\s+|\s*\+\s+/).map((part) => part.trim()).filter((part) => part && part !== "none");
  const change = (list) => {
    target().value = list.join(" + ");
    target().dispatchEvent(new Event("input"));
    show();
  };
  const show = () => {
    const list = parts();
    now.replaceChildren(...list.map((part, row) => {
      const chip = document.createElement("button");
      chip.type = "button"; chip.className = "chip"; chip.textContent = `${part} ×`;
      chip.setAttribute("aria-label", `Remove ${part}`);
      chip.addEventListener("click", () => change(list.filter((_, other) => other !== row)));
      return chip;
    }));
    if (!list.length) now.textContent = "nothing";
  };
  builder.addEventListener("change", (event) => {
    if (event.target.name === "build-agent") dose.value = event.target.dataset.dose;
    if (event.target.name === "build-into") show();
  });
  document.getElementById("build-add").addEventListener("click", () => {
    const agent = picked("agent");
    if (!agent) { $("input[name=build-agent]", builder).focus(); return; }
    const cycles = document.getElementById("build-cycles").value, from = document.getElementById("build-from").value;
    const part = [agent, dose.value.trim(), picked("every"), cycles && `x${cycles}`, from > 1 && `from week ${from}`];
    change([...parts().filter((known) => known.split(" ")[0] !== agent), part.filter(Boolean).join(" ")]);
  });
  for (const id of ["regimen", "other"]) document.getElementById(id).addEventListener("input", later(300, show));
  show();
}

arrived();
