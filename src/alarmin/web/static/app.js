// Pages work without this file; it checks regimens as they are typed, follows runs, and moves through a lesion.
"use strict";

function later(wait, act) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => act(...given), wait); };
}

for (const input of document.querySelectorAll("[data-check=regimen]")) {
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

const running = document.querySelector("[data-job]");
if (running) {
  const words = running.querySelector("[data-words]");
  const bar = running.querySelector("progress");
  const follow = async () => {
    try {
      const answer = await fetch(`/jobs/${running.dataset.job}`);
      const job = await answer.json();
      if (!answer.ok || !job.open) { location.reload(); return; }
      if (words.textContent !== job.words) words.textContent = job.words;
      bar.value = job.share;
    } catch { words.textContent = "The server does not answer; is it still running?"; }
    setTimeout(follow, 1000);
  };
  follow();
}

const slider = document.querySelector("[data-sections]");
if (slider) {
  const shown = document.getElementById("day-shown");
  const draw = later(200, () => {
    for (const picture of document.querySelectorAll("[data-section]")) picture.src = picture.dataset.section + slider.value;
  });
  slider.addEventListener("input", () => { shown.textContent = slider.value; draw(); });
}
