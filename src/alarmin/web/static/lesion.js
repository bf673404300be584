// Draws a lesion through time: disks in true size, volumes, and immune cells, from the numbers of a run.
"use strict";

const NIGHT = [11, 14, 20], STARLIGHT = "#e8ecf1", DUSK = "#9aa4b2", SIZE = 200;

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const mix = (a, b, share) => a.map((value, i) => value + share * (b[i] - value));
const css = (color) => `rgb(${color.map(Math.round).join(" ")})`;
// Three digits, with a power of ten where zeros would hide them.
const plain = (value) => {
  const short = +value.toPrecision(3);
  if (!short || Math.abs(short) >= 1e-3) return String(short);
  const [digits, power] = short.toExponential().split("e-");
  return `${digits} × 10⁻${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
};

// The same colors as in the published pictures: dark, full at 85 %, and lighter above.
function shade(bright, level) {
  const stops = [[0, NIGHT], [0.4, bright.map((v) => 0.55 * v)], [0.85, bright], [1, bright.map((v) => 0.55 * v + 115)]];
  const next = stops.findIndex(([at]) => level <= at);
  if (next <= 0) return NIGHT;
  const [[from, low], [to, high]] = [stops[next - 1], stops[next]];
  return mix(low, high, (level - from) / (to - from));
}

function decoded(course, shells) {
  for (const lesion of course.lesions) {
    for (const [name, text] of Object.entries(lesion.fields)) {
      lesion.fields[name] = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    }
    lesion.at = (name, shell, time) => {
      const low = Math.floor(time), high = Math.min(low + 1, lesion.radius.length - 1), values = lesion.fields[name];
      const of = (row) => values[row * shells + shell] / 255;
      return of(low) + (time - low) * (of(high) - of(low));
    };
  }
}

const between = (values, time) => {
  const low = Math.floor(time), high = Math.min(low + 1, values.length - 1);
  return values[low] + (time - low) * (values[high] - values[low]);
};

class Disk {
  constructor(title, names, data, merged = {}) {
    Object.assign(this, { title, names, data, merged });
    this.figure = document.createElement("figure");
    this.canvas = document.createElement("canvas");
    const scale = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = this.canvas.height = SIZE * scale;
    this.canvas.setAttribute("role", "img");
    this.pen = this.canvas.getContext("2d");
    this.pen.scale(scale, scale);
    this.caption = document.createElement("figcaption");
    this.figure.append(this.canvas, this.caption);
    names.forEach((name, half) => {
      const channel = data.channels[name], line = document.createElement("span"), key = document.createElement("canvas");
      key.width = 60; key.height = 8; key.className = "ramp";
      const pen = key.getContext("2d");
      for (let x = 0; x < 60; x++) { pen.fillStyle = css(shade(rgb(channel.color), x / 59)); pen.fillRect(x, 0, 1, 8); }
      const side = names.length === 2 && !Object.keys(merged).length ? ["left: ", "right: "][half] : "";
      const range = Object.assign(document.createElement("span"), { className: "whole" });
      range.textContent = `0 to ${plain(channel.top)} ${channel.unit}`.trimEnd();
      line.append(`${side}${channel.title} `, key, " ", range);
      this.caption.append(line);
    });
  }

  draw(lesion, time, extent, day) {
    const { pen, names, data, merged } = this, middle = SIZE / 2, unit = middle / extent;
    const radius = between(lesion.radius, time) * unit;
    pen.fillStyle = css(NIGHT);
    pen.fillRect(0, 0, SIZE, SIZE);
    const halves = Object.keys(merged).length ? [names] : names.map((name) => [name]);
    halves.forEach((half, side) => {
      pen.save();
      pen.beginPath();
      if (halves.length === 2) pen.rect(side ? middle + 0.75 : 0, 0, middle - 0.75, SIZE); else pen.rect(0, 0, SIZE, SIZE);
      pen.clip();
      const fill = pen.createRadialGradient(middle, middle, 0, middle, middle, Math.max(radius, 0.1));
      data.shells.forEach((place, shell) => {
        let color;
        if (half.length === 1) color = shade(rgb(data.channels[half[0]].color), lesion.at(half[0], shell, time));
        else {
          // Channels add up as light does, so that none hides another.
          let dark = NIGHT.map((value) => 1 - value / 255);
          for (const name of half) {
            const level = merged[name] * lesion.at(name, shell, time), bright = rgb(data.channels[name].color);
            dark = dark.map((value, i) => value * (1 - (level * bright[i]) / 255));
          }
          color = dark.map((value) => 255 * (1 - value));
        }
        fill.addColorStop(Math.min(place, 1), css(color));
      });
      pen.fillStyle = fill;
      pen.beginPath(); pen.arc(middle, middle, radius, 0, 7); pen.fill();
      pen.restore();
    });
    pen.lineWidth = 0.8; pen.strokeStyle = STARLIGHT; pen.globalAlpha = 0.55;
    pen.beginPath(); pen.arc(middle, middle, radius, 0, 7); pen.stroke();
    pen.globalAlpha = 1; pen.strokeStyle = DUSK; pen.setLineDash([2, 3]);
    pen.beginPath(); pen.arc(middle, middle, lesion.radius[0] * unit, 0, 7); pen.stroke();
    pen.setLineDash([]);
    const length = [50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1].find((step) => step <= 0.6 * extent) ?? 0.05;
    pen.strokeStyle = STARLIGHT; pen.fillStyle = STARLIGHT; pen.lineWidth = 2; pen.font = "11px system-ui, sans-serif";
    pen.beginPath(); pen.moveTo(8, SIZE - 8); pen.lineTo(8 + length * unit, SIZE - 8); pen.stroke();
    pen.fillText(`${length} mm`, 8, SIZE - 13);
    this.canvas.setAttribute("aria-label", `${this.title} on day ${day}; diameter ${plain(2 * between(lesion.radius, time))} mm`);
  }
}

// --- Lines over time, as SVG that takes the colors of the page.

function element(name, attributes, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

function ticks(most, count) {
  const rough = most / count, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * size).find((value) => value >= rough) ?? rough;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => +(i * step).toPrecision(6));
}

function chart({ title, unit, axis = unit, lines, last, width, height, doses = [] }) {
  const left = doses.length ? 96 : 48, right = 10, top = 26 + 13 * doses.length, low = 34;
  const most = Math.max(1e-9, ...lines.flatMap((line) => line.values)) * 1.05;
  const x = (day) => left + (day / last) * (width - left - right), y = (value) => height - low - (value / most) * (height - low - top);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `${title}, in ${unit}, over ${last} days` });
  svg.append(element("text", { x: left, y: 14, class: "title" }, title));
  for (const value of ticks(most, height > 200 ? 5 : 3)) {
    svg.append(element("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "grid" }));
    svg.append(element("text", { x: left - 6, y: y(value) + 4, class: "tick end" }, String(value)));
  }
  for (const day of ticks(last, width > 400 ? 8 : 3)) svg.append(element("text", { x: x(day), y: height - low + 15, class: "tick middle" }, String(day)));
  svg.append(element("text", { x: (left + width - right) / 2, y: height - 3, class: "tick middle" }, "Days from the first dose"));
  const beside = Math.max(12, left - 44), half = (top + height - low) / 2;
  svg.append(element("text", { x: beside, y: half, class: "tick middle", transform: `rotate(-90 ${beside} ${half})` }, axis));
  doses.forEach(({ agent, days, course }, row) => {
    const at = 27 + 13 * row;
    for (const day of days) svg.append(element("path", { d: `M${x(day) - 3},${at - 6}h6l-3,6z`, class: `dose line-${course}` }));
    svg.append(element("text", { x: left - 6, y: at, class: "tick end small" }, agent.length > 16 ? `${agent.slice(0, 15)}…` : agent));
  });
  for (const { days, values, kind } of lines) {
    const path = values.map((value, i) => `${i ? "L" : "M"}${x(days[i]).toFixed(1)},${y(value).toFixed(1)}`).join("");
    svg.append(element("path", { d: path, class: kind }));
  }
  const now = element("line", { y1: top, y2: height - low, class: "now" });
  svg.append(now);
  svg.moveTo = (day) => { now.setAttribute("x1", x(day)); now.setAttribute("x2", x(day)); };
  return svg;
}

// --- All together.

let playing = 0;

async function show(place) {
  const data = await (await fetch(place.dataset.course)).json();
  if (!place.isConnected) return;
  data.courses.forEach((course) => decoded(course, data.shells.length));
  const day = document.getElementById("day"), lesion = document.getElementById("lesion"), play = document.getElementById("play");
  const last = data.days.at(-1), step = data.days[1];
  const kinds = [["Cells: tumor, CD8 and alarm", ["tumor", "cd8", "alarm"], { tumor: 0.75, cd8: 1, alarm: 0.8 }], ["Oxygen", ["oxygen"]],
    ["Matrix", ["collagen", "hyaluronan"]], ["Alarm", ["alarm"]], ...data.drugs.map((name) => [data.channels[name].title, [name]])];
  const disks = document.getElementById("disks");
  disks.className = data.courses.length > 1 ? "beside" : "";
  const rows = data.courses.map((course, number) => {
    const group = document.createElement("section"), head = document.createElement("h3"), grid = document.createElement("div");
    head.append(Object.assign(document.createElement("span"), { className: `key key-${number + 1}` }), course.regimen);
    grid.className = "disks";
    const made = kinds.map(([title, names, merged]) => new Disk(title, names, data, merged));
    grid.append(...made.map((disk) => disk.figure));
    group.append(head, grid);
    disks.append(group);
    return { course, made };
  });

  const charts = [];
  const volumes = document.getElementById("volumes"), cells = document.getElementById("cells");
  const every = (values) => values.map((_, i) => i);
  const many = data.courses.length > 1;
  const lines = data.courses.flatMap((course, number) => course.lesions.map((one) => ({ days: every(one.volume), values: one.volume, kind: `line line-${number + 1}` })));
  const doses = data.courses.flatMap((course, number) => Object.entries(course.doses).map(([agent, days]) => ({ agent, days, course: number + 1 })));
  charts.push(chart({ title: `Volume of each lesion${many ? ", by regimen" : ""}`, unit: "mL", axis: "Volume [mL]", lines, last: data.courses[0].lesions[0].volume.length - 1, width: 760, height: 300, doses }));
  volumes.replaceChildren(charts[0]);

  const paint = () => {
    const time = day.value / step, shown = Math.min(+lesion.value - 1, data.courses[0].lesions.length - 1);
    const extent = 1.1 * Math.max(...data.courses.flatMap((course) => course.lesions[shown].radius));
    for (const { course, made } of rows) for (const disk of made) disk.draw(course.lesions[shown], Math.min(time, data.days.length - 1), extent, day.value);
    day.nextElementSibling.textContent = `${day.value}`;
    for (const svg of charts) svg.moveTo(+day.value);
  };
  const cellsOf = () => {
    charts.splice(1);
    const shown = +lesion.value - 1;
    const made = Object.keys(data.courses[0].lesions[0].cells).map((kind) => chart({
      title: kind, unit: "Mcell/mL", last, width: 240, height: 150,
      lines: data.courses.map((course, number) => ({ days: data.days, values: course.lesions[shown].cells[kind], kind: `line line-${number + 1}` })),
    }));
    charts.push(...made);
    cells.replaceChildren(...made);
  };
  const keep = () => {
    const address = new URL(location.href);
    for (const [name, value, usual] of [["day", day.value, String(last)], ["lesion", lesion.value, "1"]]) {
      if (value === usual) address.searchParams.delete(name); else address.searchParams.set(name, value);
    }
    history.replaceState(null, "", address);
  };
  day.addEventListener("input", paint);
  day.addEventListener("change", keep);
  lesion.addEventListener("change", () => { cellsOf(); paint(); keep(); });
  const run = ++playing;
  play.addEventListener("click", () => {
    const on = play.getAttribute("aria-pressed") !== "true";
    play.setAttribute("aria-pressed", String(on));
    play.textContent = on ? "Pause" : "Play";
    if (!on) return;
    let from = +day.value >= last ? 0 : +day.value, begin = null;
    const frame = (now) => {
      if (run !== playing || play.getAttribute("aria-pressed") !== "true") { keep(); return; }
      begin ??= now;
      const at = from + ((now - begin) / 8000) * last;
      day.value = Math.min(at, last);
      paint();
      if (at < last) requestAnimationFrame(frame);
      else { play.setAttribute("aria-pressed", "false"); play.textContent = "Play"; keep(); }
    };
    requestAnimationFrame(frame);
  });
  cellsOf();
  paint();
  place.dataset.drawn = "";
}

const drawLesion = () => { const place = document.querySelector("[data-course]:not([data-drawn])"); if (place) show(place); };
document.addEventListener("found", drawLesion);
drawLesion();
