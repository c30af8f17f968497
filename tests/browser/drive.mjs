// Drives a browser over the dashboard of a relay that runs on loopback, and prints what is wrong as JSON.
// node drive.mjs SCENE, with {address, token, key, secret, browser, pictures} on standard input.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const settings = JSON.parse(await new Promise((read) => {
  let text = "";
  process.stdin.on("data", (part) => (text += part)).on("end", () => read(text));
}));
const relay = `http://${settings.address}`;
const PATIENCE = 20000;
const problems = [];
const expect = (holds, what) => { if (!holds) problems.push(what); };

// --- The browser -----------------------------------------------------------------------------------------------------

const browser = await puppeteer.launch({
  executablePath: settings.browser,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-prefers-reduced-motion", "--hide-scrollbars"],
});

/** Opens a page that notes everything that goes wrong on it. */
async function open(context = browser) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport({ width: 1280, height: 860 });
  page.on("console", (message) => {
    // A refusal that a scene asks for is reported by the browser, too.
    const isRefusal = /status of 40[01349]/.test(message.text());
    if (["error", "warn"].includes(message.type()) && !isRefusal) problems.push(`${page.url()}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${page.url()}: script: ${error}`));
  page.on("dialog", (dialog) => { problems.push(`${page.url()}: dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(relay) && !/^(data|about|blob):/.test(request.url())) problems.push(`${page.url()}: asks ${request.url()}`);
  });
  return page;
}

/** Goes to a path; live updates keep a connection open, so that the network is never idle. */
const go = (page, path) => page.goto(path.startsWith("http") ? path : relay + path, { waitUntil: "load" });
const text = (page) => page.evaluate(() => document.body.innerText);
/** Presses what leads to another page. In one step: a list that is live may be another one in the next. */
const press = (page, selector) => Promise.all([
  page.waitForNavigation({ waitUntil: "load" }),
  page.$eval(selector, (element) => element.click()),
]);

async function logIn(page, path = "/") {
  await go(page, path);
  await page.type("#token", settings.token);
  await press(page, "button[type=submit]");
}

/** Has axe look for what keeps somebody from using a page. */
async function violations(page, name) {
  // By the debugger, whose scripts no policy of a page keeps out.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + " " + (node.any[0]?.message ?? "")).join(" | ")}`);
  });
  found.forEach((violation) => problems.push(`${name}: ${violation}`));
}

/** Holds a page to what everybody needs, as it is light and as it is dark, on a desk and on a phone. */
async function judge(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await violations(page, `${name}, ${scheme}`);
    await picture(page, `${name}-${scheme}`);
  }
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await page.setViewport({ width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  const spill = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(spill <= 0, `${name}: on a phone it is ${spill} pixels too wide`);
  await violations(page, `${name}, on a phone`);
  await picture(page, `${name}-phone`);
  await page.setViewport({ width: 1280, height: 860 });
}

async function picture(page, name) {
  if (!settings.pictures) return;
  await mkdir(settings.pictures, { recursive: true });
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.screenshot({ path: `${settings.pictures}/${name}.png`, fullPage: height < 7000 });
}

// --- Sentry ----------------------------------------------------------------------------------------------------------

async function webhook(action, data) {
  const body = JSON.stringify({ action, installation: { uuid: "a8e5d37a-696c-4c54-adb5-b3f28d64c7de" }, data, actor: { type: "application", id: "sentry", name: "Sentry" } });
  const signature = createHmac("sha256", settings.secret).update(body).digest("hex");
  const answer = await fetch(`${relay}/webhooks/sentry`, { method: "POST", body, headers: { "content-type": "application/json", "sentry-hook-resource": "seer", "sentry-hook-signature": signature } });
  expect(answer.ok, `a webhook was answered ${answer.status}`);
}

const api = async (path) => (await fetch(relay + path, { headers: { authorization: `Bearer ${settings.token}` } })).json();

// --- The scenes ------------------------------------------------------------------------------------------------------

const scenes = {
  /** Nothing has come yet: the door, and each page empty. */
  async empty() {
    const page = await open();
    const answer = await go(page, "/deliveries?state=dead");
    expect(answer.status() === 401, `a stranger is answered ${answer.status()}`);
    expect(!answer.headers()["www-authenticate"], "a browser is asked by a dialog");
    for (const [name, value] of Object.entries({
      "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff", "cache-control": "no-store", "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "same-origin",
    })) expect(answer.headers()[name] === value, `${name}: ${answer.headers()[name]}`);
    expect(!(await text(page)).includes("Deliveries"), "a stranger sees the pages");
    await judge(page, "login");
    await page.type("#token", "a guess");
    await press(page, "button[type=submit]");
    expect((await text(page)).includes("not the relay’s token"), "a wrong token is told");
    await page.type("#token", settings.token);
    await press(page, "button[type=submit]");
    expect(page.url() === `${relay}/deliveries?state=dead`, `after the log-in one is at ${page.url()}`);
    expect((await text(page)).includes("No delivery fits"), "no dead letters");
    const cookie = (await page.cookies()).find((each) => each.name === "seer_relay");
    expect(cookie?.httpOnly && cookie.sameSite === "Lax" && !cookie.value.includes(settings.token), `the cookie is ${JSON.stringify(cookie)}`);
    for (const [path, words, name] of [["/", "Nothing has come yet", "runs-empty"], ["/deliveries", "Nothing was sent yet", "deliveries-empty"], ["/destinations", "audit", "destinations-empty"], ["/report", "Nothing was counted", "report-empty"]]) {
      await go(page, path);
      expect((await text(page)).includes(words), `${path} does not say “${words}”`);
      await judge(page, name);
    }
    expect((await go(page, "/nowhere")).status() === 404, "an address that leads nowhere");
    expect((await text(page)).includes("nothing at this path") && !(await text(page)).includes("store.retention"), "it is not said that an address leads nowhere");
    expect((await go(page, "/?state=done")).status() === 400, "a filter that means nothing");
    await judge(page, "fault");
    await go(page, "/");
    await press(page, "header form button");
    expect(page.url() === `${relay}/login`, `after the log-out one is at ${page.url()}`);
    expect((await go(page, "/")).status() === 401, "one is still logged in");

    const other = await open(await browser.createBrowserContext());
    await go(other, `/login?key=${settings.key}&next=/destinations`);
    expect(other.url() === `${relay}/destinations`, `a key leads to ${other.url()}`);
    expect((await go(other, "/login?key=1.x")).status() === 401, "a bad key opens the door");
    const noScript = await open(await browser.createBrowserContext());
    await noScript.setJavaScriptEnabled(false);
    await logIn(noScript, "/destinations");
    expect((await noScript.content()).includes("audit"), "nothing is to be seen without scripts");
  },

  /** One run with everything that a run can have. */
  async one() {
    const page = await open();
    await logIn(page);
    await page.waitForSelector("a.main");
    await judge(page, "runs-one");
    await press(page, "a.main");
    const shown = await text(page);
    for (const words of ["Root cause", "Plan", "Changes", "Pull requests", "Events and what was sent", "Messages", "Drawn again with today’s templates", "matched", "The relay’s words: no"]) {
      if (words.startsWith("The relay")) continue;
      expect(shown.includes(words) || (await page.content()).includes(words), `the run does not show “${words}”`);
    }
    expect(shown.includes("invalid_token") || shown.includes("no such key"), "the platform’s own words are not shown");
    await judge(page, "run");
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
    await judge(page, "run-open");

    const payload = await page.evaluate(async () => {
      const answer = await fetch(document.querySelector("a[download]").href);
      return { type: answer.headers.get("content-type"), how: answer.headers.get("content-disposition"), action: (await answer.json()).action };
    });
    expect(payload.type === "application/json" && payload.how.startsWith("attachment") && payload.action, `the payload is ${JSON.stringify(payload)}`);

    await go(page, "/deliveries?state=dead");
    await judge(page, "dead-letters");
    const dead = await page.$$eval("tbody tr", (rows) => rows.length);
    expect(dead > 0, "there are no dead letters");
    await press(page, ".act a.go");
    expect((await text(page)).includes(`Send ${dead === 1 ? "one dead letter" : `${dead} dead letters`} again?`), `it asks ${(await text(page)).slice(0, 200)}`);
    expect((await text(page)).includes("broken"), "it does not say where to");
    await judge(page, "replay");
    await press(page, "main form button");
    expect((await text(page)).includes("queued to be sent again"), "it does not say what was done");
    await go(page, "/deliveries?state=dead");
    expect(!(await text(page)).includes("queued to be sent again"), "it says so twice");

    await go(page, "/deliveries?state=delivered&destination=chat");
    await press(page, "a.main");
    await judge(page, "delivery");
    expect(await page.$(".drawn .chat"), "the message is not drawn");
    const before = (await api("/api/deliveries?limit=200")).items.length;
    await press(page, ".delivery form button");
    const after = (await api("/api/deliveries?limit=200")).items;
    expect(after.length === before + 1 && after[0].replay_of, `one was to be sent again: ${before}, ${after.length}`);
    expect(page.url() === `${relay}/deliveries/${after[0].id}`, `after a replay one is at ${page.url()}`);
    expect(await page.$(`.delivery a[href="/deliveries/${after[0].replay_of}"]`), "the one that was repeated is not linked");

    await go(page, "/");
    await press(page, "a.main");
    await press(page, ".head a.go");
    expect((await text(page)).includes("anew?"), "it does not ask");
    await press(page, "main form button");
    expect((await text(page)).includes("queued to be routed anew"), "it does not say what was done");

    await go(page, "/report");
    await judge(page, "report-one");
    await go(page, "/destinations");
    await judge(page, "destinations");
    await press(page, "form[action='/destinations/chat/test'] button");
    expect((await text(page)).includes("test message was taken"), "the test was not taken");
    await press(page, "form[action='/destinations/broken/test'] button");
    const failure = await page.$eval("[role=alert]", (each) => each.innerText);
    expect(/was not taken by broken: .*\(status \d+, \d+ ms\)/.test(failure) && failure.includes("Compare the address"), `of the test it says “${failure}”`);
    await judge(page, "test-failed");
    await keyboard(page);
  },

  /** Some hundreds of runs: filters, pages, and what happens while one looks. */
  async many() {
    const page = await open();
    await logIn(page);
    await page.waitForSelector("a.main");
    await judge(page, "runs-many");
    const first = await page.$$eval("a.main", (all) => all.map((each) => each.href));
    expect(first.length === 50, `a page has ${first.length} runs`);
    await press(page, "a[rel=next]");
    const second = await page.$$eval("a.main", (all) => all.map((each) => each.href));
    expect(second.length === 50 && !second.some((each) => first.includes(each)), "the next page repeats runs");
    await go(page, "/");
    await page.select("#state", "pr_created");
    await page.select("#repo", "acme/web");
    await press(page, ".filters button");
    const url = new URL(page.url());
    expect(url.searchParams.get("state") === "pr_created" && url.searchParams.get("repo") === "acme/web", `the address is ${page.url()}`);
    const states = await page.$$eval("tbody .state", (all) => all.map((each) => each.innerText));
    expect(states.length > 0 && states.every((each) => each.includes("PR opened")), `the filter lets through ${states.slice(0, 5)}`);
    await go(page, "/?q=nothing+of+the+kind");
    expect((await text(page)).includes("No run fits"), "a search for nothing finds something");
    await go(page, "/deliveries?state=dead&since=1h");
    await press(page, ".act a.go");
    expect(/Send \d+ dead letters again/.test(await text(page)), "dead letters of some time");

    await go(page, "/");
    await page.waitForFunction(() => document.querySelector("#live")?.textContent === "live");
    await page.focus("#q");
    await page.type("#q", "half a wor");
    await webhook("root_cause_started", { run_id: 999001, group_id: 5 });
    await page.waitForFunction(() => [...document.querySelectorAll("a.main")].some((each) => each.href.endsWith("/999001")));
    expect(await page.$eval("#q", (each) => each.value === "half a wor" && each === document.activeElement), "what is being typed is lost");
    await page.evaluate(() => [...document.querySelectorAll("a.main")].find((each) => each.href.endsWith("/999001")).focus());
    await webhook("root_cause_completed", { run_id: 999001, group_id: 5, root_cause: { one_line_description: "found" } });
    await page.waitForFunction(() => document.querySelector("tbody tr .state").innerText.includes("cause found"));
    expect(await page.evaluate(() => document.activeElement.href?.endsWith("/999001")), "the focus is lost");
  },

  /** Some weeks of runs, counted. */
  async report() {
    const page = await open();
    await logIn(page, "/report");
    await page.waitForSelector(".sections section");
    expect(await page.$eval(".counting", (each) => getComputedStyle(each).display === "none"), "it still says that it counts");
    await page.setViewport({ width: 390, height: 844, isMobile: true, hasTouch: true });
    const rest = await page.$eval(".plot.days", (plot) => {
      const [box, drawing] = [plot, plot.querySelector("svg")].map((each) => each.getBoundingClientRect());
      return { hidden: box.left - drawing.left, right: drawing.right - box.right };
    });
    expect(rest.hidden > 50 && rest.right < 2, `on a phone a plot shows not its newest days: ${JSON.stringify(rest)}`);
    expect((await text(page)).includes("scroll the plot sideways"), "on a phone it is not said that plots scroll");
    await page.setViewport({ width: 1280, height: 860 });
    await judge(page, "report");
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
    await judge(page, "report-open");

    /** The numbers of a section, by what stands before each. */
    const numbers = (id) => page.$$eval(`#${id}-numbers tbody tr`, (rows) => Object.fromEntries(rows.map((row) => [row.cells[0].innerText, Number(row.cells[1].innerText)])));
    const agree = async (query) => {
      await go(page, `/report${query}`);
      const told = await api(`/api/report${query}`);
      await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
      const pairs = [
        [await numbers("causes"), Object.fromEntries(told.root_causes.map((each) => [each.classification, each.runs]))],
        [await numbers("deliveries"), Object.fromEntries(told.deliveries.destinations.map((each) => [each.destination, each.total]))],
        [Object.values(await numbers("reached")), told.runs.reached.map((each) => each.runs).reverse()],
        [Object.values(await numbers("runs")).reduce((sum, each) => sum + each, 0), told.runs.total],
        [Object.values(await numbers("pull-requests")).reduce((sum, each) => sum + each, 0), told.runs.pull_requests],
      ];
      for (const [shown, counted] of pairs) expect(JSON.stringify(shown) === JSON.stringify(counted), `${query}: ${JSON.stringify(shown)} is shown of ${JSON.stringify(counted)}`);
      const drawn = await page.$eval("#reached-gist", (each) => each.textContent);
      expect(drawn.startsWith(`${told.runs.total} runs`), `${query}: the plot says “${drawn}”`);
      return told.runs.total;
    };
    const all = await agree("?since=60d");
    const some = await agree("?since=60d&repo=acme/web");
    expect(all === 200 && some > 0 && some < all, `${some} of ${all} runs are about a repository`);
    const bars = await page.$$eval("#runs-head ~ .plot rect", (all) => all.length);
    expect(bars > 20, `${bars} bars of runs by day`);

    await go(page, "/report?repo=acme/api");
    await page.evaluate(() => [...document.querySelectorAll(".views a")].find((each) => each.innerText === "90 days").setAttribute("id", "wanted"));
    await press(page, "#wanted");
    const url = new URL(page.url());
    expect(url.searchParams.get("since") === "90d" && url.searchParams.get("repo") === "acme/api", `90 days are at ${page.url()}`);
    expect((await text(page)).includes("Runs by week"), "90 days are not told by week");
    await judge(page, "report-weeks");
    await page.select("#repo", "acme/billing");
    await press(page, ".filters button");
    expect(new URL(page.url()).searchParams.get("repo") === "acme/billing", `the address is ${page.url()}`);

    const sheet = await page.evaluate(async () => {
      const answer = await fetch(document.querySelector("a[href^='/report/days.csv']").href);
      return { type: answer.headers.get("content-type"), how: answer.headers.get("content-disposition"), text: await answer.text() };
    });
    expect(sheet.type.startsWith("text/csv") && sheet.how.startsWith("attachment") && sheet.text.startsWith("day,runs,"), JSON.stringify(sheet));
    await go(page, "/report?since=2020-01-01&until=2020-02-01");
    expect((await text(page)).includes("Nothing was counted"), "it is not said that there is nothing");
    expect((await go(page, "/report?since=soon")).status() === 400, "a time that is none");

    const noScript = await open(await browser.createBrowserContext());
    await noScript.setJavaScriptEnabled(false);
    await logIn(noScript, "/report?since=60d");
    expect((await noScript.content()).includes("How far runs came"), "nothing is counted without scripts");
    await go(page, "/");
    await judge(page, "runs-past");
  },

  /** The relay stops while somebody looks: that is said, and nobody who looks holds it up. */
  async stopping() {
    const page = await open();
    await logIn(page);
    await page.waitForFunction(() => document.querySelector("#live")?.textContent === "live");
    problems.splice(0);
    process.kill(settings.pid, "SIGTERM");
    await page.waitForFunction(() => document.querySelector("#live").textContent.startsWith("not live since"));
    expect(problems.every((problem) => /ERR_|net::/.test(problem)), problems.join());
    problems.splice(0);
  },

  /** Texts that try to break out of their place, in every field. */
  async hostile() {
    const page = await open();
    await logIn(page);
    await page.waitForSelector("a.main");
    const inert = async (name) => {
      const found = await page.evaluate(() => ({
        hacked: window.hacked, scripts: document.querySelectorAll("main script, main iframe, main object, main embed, main style, main link, main svg a, main base, main meta").length,
        handlers: [...document.querySelectorAll("main *")].filter((each) => [...each.attributes].some((attribute) => attribute.name.startsWith("on"))).length,
        links: [...document.querySelectorAll("main a[href]")].filter((each) => !/^https?:/.test(each.protocol)).length,
        images: document.querySelectorAll("main img").length,
        turned: document.querySelector("main").innerText.includes("\u202e"),
      }));
      expect(!found.hacked && !found.scripts && !found.handlers && !found.links && !found.images && !found.turned, `${name}: ${JSON.stringify(found)}`);
    };
    await inert("runs");
    await judge(page, "runs-hostile");
    const runs = await page.$$eval("a.main", (all) => all.map((each) => each.href));
    for (const href of runs) {
      expect((await go(page, href)).status() === 200, `${href} cannot be shown`);
      await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
      await inert(href);
    }
    await judge(page, "run-hostile");
    for (const path of ["/deliveries", "/destinations", "/report", "/report?repo=%22%3E%3Cimg+src%3Dx+onerror%3Dhacked%3D1%3E&organization=%3Cscript%3Ehacked%3D1%3C/script%3E", "/?q=%3Cscript%3Ehacked%3D1%3C/script%3E&repo=%22%3E%3Cimg+src%3Dx+onerror%3Dhacked%3D1%3E"]) {
      await go(page, path);
      await inert(path);
    }
    await go(page, "/deliveries");
    for (const href of (await page.$$eval("th a.main", (all) => all.map((each) => each.href))).slice(0, 4)) {
      await go(page, href);
      await inert(href);
    }
    await go(page, "/?state=%3Cscript%3Ehacked%3D1%3C/script%3E");
    await inert("a fault");
  },

  /** Other sites: nothing is shown in a frame of theirs, and nothing changes. */
  async strangers() {
    const page = await open();
    await logIn(page);
    const form = `<form id="f" method="post" action="${relay}/replay"><input name="dead" value="1"></form>`;
    const stranger = createServer((request, answer) => answer.setHeader("content-type", "text/html").end(
      request.url === "/frame" ? `<iframe src="${relay}/" width="800" height="600"></iframe>` : form + "<script>f.submit()</script>",
    ));
    await new Promise((listening) => stranger.listen(0, "127.0.0.1", listening));
    const site = `http://127.0.0.1:${stranger.address().port}`;
    const other = await browser.newPage();
    await other.goto(`${site}/frame`, { waitUntil: "load" });
    const framed = await Promise.all(other.frames().slice(1).map((frame) => frame.evaluate(() => document.body?.innerText ?? "").catch(() => "")));
    expect(framed.every((each) => !each.includes("Runs")), `a frame shows ${framed}`);
    const before = (await api("/api/deliveries?limit=200")).items.length;
    const [answer] = await Promise.all([
      other.waitForResponse((response) => response.url() === `${relay}/replay`),
      other.goto(`${site}/post`).catch(() => {}),
    ]);
    expect(answer.status() === 403, `another site’s form is answered ${answer.status()}`);
    expect((await api("/api/deliveries?limit=200")).items.length === before, "another site’s form changed something");
    stranger.close();
  },
};

/** Everything can be reached by keyboard, and one sees where one is. */
async function keyboard(page) {
  await go(page, "/");
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.className);
  expect(first === "skip", `the first stop is ${first}`);
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => location.hash === "#content"), "the skip link skips nothing");
  await go(page, "/");
  const stops = [];
  for (let at = 0; at < 25; at += 1) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => {
      const { outlineStyle } = getComputedStyle(document.activeElement);
      const isPage = document.activeElement === document.body;
      return { name: document.activeElement.id || document.activeElement.innerText, seen: isPage || outlineStyle !== "none" };
    }));
  }
  expect(stops.some((stop) => stop.name === "q") && stops.some((stop) => stop.name === "Show"), `the form is no stop: ${JSON.stringify(stops)}`);
  expect(stops.every((stop) => stop.seen || stop.name === ""), `a stop is not seen: ${JSON.stringify(stops.filter((stop) => !stop.seen))}`);
}

try {
  await scenes[process.argv[2]]();
} catch (error) {
  problems.push(`the scene broke off: ${error.stack}`);
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(problems));
