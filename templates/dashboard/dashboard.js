// Follows what happens: asks for the page again when the relay says that there is something new, and puts what changed in
// the place of what was there. Without it every page works by being loaded again.
"use strict";
(() => {
  const sign = document.getElementById("live");
  if (!sign || !window.EventSource || !document.querySelector("[data-live]")) return;

  // Between two questions for the page; one that costs much says how often it is to be asked for.
  const costly = document.querySelector("[data-every]");
  const LEAST_MS = costly ? Number(costly.dataset.every) * 1000 : 2000;
  const SCROLLED = ".scroll, .plot, .numbers, pre";
  let asking = false, wanted = false, last = costly ? Date.now() : 0, timer = 0;
  let lostSince = null;
  const shown = new Map([...document.querySelectorAll("[data-live]")].map((each) => [each.id, each.innerHTML]));

  const clock = (time) => time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const say = (text, isLost) => {
    sign.hidden = false;
    sign.classList.toggle("lost", isLost);
    if (sign.textContent !== text) sign.textContent = text;
  };
  const lose = () => {
    lostSince = lostSince || new Date();
    say(`not live since ${clock(lostSince)}`, true);
  };

  // While somebody presses something or marks text, nothing takes its place.
  let isPressed = false;
  addEventListener("pointerdown", () => { isPressed = true; });
  for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, () => { isPressed = false; });
  const isInHand = () => {
    const marked = document.getSelection();
    const anchor = marked && !marked.isCollapsed && marked.anchorNode;
    return isPressed || (anchor && [...document.querySelectorAll("[data-live]")].some((each) => each.contains(anchor)));
  };

  const stands = (element) => {
    if (!element || element === document.body) return null;
    if (element.id) return `#${CSS.escape(element.id)}`;
    if (element.tagName === "A") return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
    if (element.tagName === "SUMMARY" && element.parentElement.id) return `#${CSS.escape(element.parentElement.id)} > summary`;
    const id = element.form && element.form.querySelector("input[name=id]");
    return id ? `input[name=id][value="${CSS.escape(id.value)}"] ~ button` : null;
  };

  const put = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (!fresh || fresh.innerHTML === shown.get(old.id)) continue;
      shown.set(old.id, fresh.innerHTML);
      const focus = old.contains(document.activeElement) ? stands(document.activeElement) : null;
      const folds = new Map([...old.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
      const scrolled = [...old.querySelectorAll(SCROLLED)].map((each) => each.scrollLeft);
      const copy = document.importNode(fresh, true);
      for (const each of copy.querySelectorAll("details[id]")) if (folds.has(each.id)) each.open = folds.get(each.id);
      const { scrollX, scrollY } = window;
      old.replaceWith(copy);
      [...copy.querySelectorAll(SCROLLED)].forEach((each, at) => { each.scrollLeft = scrolled[at] || 0; });
      window.scrollTo(scrollX, scrollY);
      const found = focus && document.querySelector(focus);
      if (found) found.focus({ preventScroll: true });
    }
    const foot = page.querySelector(".foot");
    if (foot) document.querySelector(".foot").replaceWith(document.importNode(foot, true));
  };

  const ask = async () => {
    if (asking || document.hidden) { wanted = true; return; }
    const rest = isInHand() ? 2000 : last + LEAST_MS - Date.now();
    if (rest > 0) {
      if (!timer) timer = setTimeout(() => { timer = 0; ask(); }, rest);
      return;
    }
    asking = true;
    wanted = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store" });
      // Whoever is logged out meanwhile is asked for the token.
      if (answer.status === 401) { location.reload(); return; }
      const text = await answer.text();
      if (answer.ok && isInHand()) wanted = true;
      else if (answer.ok) put(text);
    } catch { lose(); }
    asking = false;
    if (wanted) ask();
  };

  // A browser has few connections for one host, and each of these takes one: of all tabs one listens, and tells the others.
  const others = window.BroadcastChannel && navigator.locks ? new BroadcastChannel("seer-relay-live") : null;
  let source = null, news = null;
  const hear = (told) => {
    if (told === "live") { lostSince = null; say("live", false); ask(); }
    if (told === "changed") ask();
    if (told === "lost") lose();
  };
  const tell = (told) => {
    if (told !== "changed") news = told;
    hear(told);
    if (others) others.postMessage(told);
  };
  const listen = () => {
    source = new EventSource("/live");
    source.addEventListener("hello", () => tell("live"));
    source.addEventListener("changed", () => tell("changed"));
    source.addEventListener("error", () => {
      tell("lost");
      // A browser that was refused does not try again by itself.
      if (source && source.readyState === EventSource.CLOSED) setTimeout(() => { if (!document.hidden) location.reload(); }, 30000);
    });
  };
  const stop = () => { if (source) source.close(); source = null; };
  if (others) {
    others.addEventListener("message", ({ data }) => {
      if (data !== "anyone?") hear(data);
      else if (news) others.postMessage(news);
    });
    others.postMessage("anyone?");
    // Whoever has it keeps it for as long as the tab is there.
    navigator.locks.request("seer-relay-live", () => new Promise(() => listen())).catch(listen);
  } else {
    // Where pages cannot agree, those that nobody sees do without.
    document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else if (!source) listen(); });
    if (!document.hidden) listen();
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted) ask(); });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
