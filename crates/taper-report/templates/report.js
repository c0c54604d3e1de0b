"use strict";
// Numbers under the pointer, and series that can be hidden. Without this the page says the same, only stiller.
for (const figure of document.querySelectorAll("figure.picture")) {
  const svg = figure.querySelector("svg");
  const groups = new Map();
  for (const group of svg.querySelectorAll("g[data-series]")) {
    groups.set(group.dataset.series, (groups.get(group.dataset.series) || []).concat(group));
  }
  if (groups.size > 1) {
    const bar = document.createElement("div");
    bar.className = "series";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Series shown");
    for (const [name, members] of groups) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(shown));
        for (const group of members) shown ? group.removeAttribute("display") : group.setAttribute("display", "none");
      });
      bar.append(button);
    }
    figure.prepend(bar);
  }
  const points = [...svg.querySelectorAll("g[data-tip] > circle")];
  if (points.length === 0) continue;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  figure.append(tip);
  const ring = document.createElementNS(svg.namespaceURI, "circle");
  for (const [name, value] of Object.entries({ r: 9, fill: "none", stroke: "#222", "stroke-width": 1.5, display: "none" })) {
    ring.setAttribute(name, value);
  }
  svg.append(ring);
  const hide = () => {
    tip.hidden = true;
    ring.setAttribute("display", "none");
  };
  const show = (event) => {
    const screen = svg.getScreenCTM();
    const place = (point) => [screen.a * point.cx.baseVal.value + screen.e, screen.d * point.cy.baseVal.value + screen.f];
    let nearest = null;
    let distance = 32;
    for (const point of points) {
      const [x, y] = place(point);
      const away = Math.hypot(event.clientX - x, event.clientY - y);
      if (away < distance && !point.closest("[display=none]")) [nearest, distance] = [point, away];
    }
    if (!nearest) return hide();
    tip.textContent = nearest.parentElement.dataset.tip;
    tip.hidden = false;
    ring.setAttribute("cx", nearest.cx.baseVal.value);
    ring.setAttribute("cy", nearest.cy.baseVal.value);
    ring.removeAttribute("display");
    const box = figure.getBoundingClientRect();
    const [x, y] = place(nearest);
    const left = Math.min(Math.max(x - box.left - tip.offsetWidth / 2, 0), box.width - tip.offsetWidth);
    tip.style.left = `${left}px`;
    tip.style.top = `${y - box.top - tip.offsetHeight - 14}px`;
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}
