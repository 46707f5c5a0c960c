// Looks at the status page as tests/system/page.sh says; ends with 1 when something does not hold.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import puppeteer from "puppeteer-core";

const { ADDRESS, CHROMIUM, PICTURES, TOKEN_FILE, SERVICE_PID } = process.env;
const AXE = new URL("node_modules/axe-core/axe.min.js", import.meta.url).pathname;
const WIDTHS = [360, 800, 1600];
const SCHEMES = ["light", "dark"];

let wrong = 0;
function claim(holds, what) {
  console.log(`${holds ? "ok  " : "FAIL"} ${what}`);
  wrong += holds ? 0 : 1;
}

async function untilServed() {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      return await (await fetch(`${ADDRESS}/`)).text();
    } catch {
      await pause(200);
    }
  }
  throw new Error("no page is served");
}

const html = await untilServed();
const begun = performance.now();
await (await fetch(`${ADDRESS}/`)).text();
console.log(`     ${html.length >> 10} KiB, ${Math.round(performance.now() - begun)} ms for a look`);

const browser = await puppeteer.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

/** A page of this width and scheme, with what the browser complained of. */
async function open(path, width, scheme, script = true) {
  const page = await browser.newPage();
  page.complaints = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: 1000 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(`${ADDRESS}${path}`, { waitUntil: "load" });
  return page;
}

for (const path of ["/", "/runs/1960"]) {
  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      const name = `${path === "/" ? "overview" : "run"}-${width}-${scheme}`;
      const page = await open(path, width, scheme);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
      await page.evaluate(readFileSync(AXE, "utf8"));
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      claim(violations.length === 0, `${name}: no violation of axe`);
      for (const { id, nodes } of violations) {
        console.log(`     ${id} × ${nodes.length}: ${nodes[0].html.slice(0, 200)}`);
      }
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      claim(wide <= 0, `${name}: nothing is wider than the screen (${wide})`);
      claim(page.complaints.length === 0, `${name}: nothing that the browser refuses ${page.complaints}`);
      await page.evaluate(() => (document.getElementById("projects-fold") ?? {}).open = false);
      await page.screenshot({ path: `${PICTURES}/${name}.png`, clip: { x: 0, y: 0, width, height: 2600 } });
      await page.close();
    }
  }
}

const plain = await open("/", 800, "light", false);
const sentence = await plain.$eval("h1", (heading) => heading.textContent);
claim(sentence.length > 0, `without JavaScript it reads: ${sentence}`);
await plain.screenshot({ path: `${PICTURES}/overview-without-script.png` });
await plain.close();

const page = await open("/", 1600, "light");
claim(await page.$eval("[data-do]", (button) => button.hidden), "without the token there is no button");
const { token } = JSON.parse(readFileSync(TOKEN_FILE, "utf8"));
await page.goto(`${ADDRESS}/#token=${token}`);
await page.reload();
claim(!(await page.$eval("[data-do]", (button) => button.hidden)), "with the token there are buttons");
claim(!page.url().includes(token), "the token leaves the address");
await page.waitForFunction(() => document.getElementById("live").textContent === "Live.");

// Live: a parked run is given up, while a part is open, another has the focus, and the page is scrolled.
await page.evaluate(() => {
  document.getElementById("projects-fold").open = true;
  scrollTo(0, 700);
});
const before = await page.evaluate(() => scrollY);
const target = await page.$eval('[id^="run-"]:has(.state.bad)', (row) => row.id);
page.on("dialog", (dialog) => dialog.accept());
await page.$eval(`#${target} [data-do$="/retry"]`, (button) => button.focus({ preventScroll: true }));
await page.$eval(`#${target} [data-do$="/forget"]`, (button) => button.click());
await page.waitForFunction(
  (id) => document.querySelector(`#${id} .state`).textContent === "ignored",
  { timeout: 20000 },
  target,
);
claim(true, "a button gives a run up, and the page follows");
claim(await page.$eval("#projects-fold", (fold) => fold.open), "what was opened stays open");
claim(Math.abs((await page.evaluate(() => scrollY)) - before) < 40, "the page stays where it was scrolled to");

process.kill(Number(SERVICE_PID), "SIGKILL");
await page.waitForFunction(() => document.getElementById("silent").textContent !== "", { timeout: 30000 });
const silent = await page.$eval("#silent", (text) => text.textContent);
claim(silent.includes("kado service start"), `a dead service: ${silent}`);
await page.evaluate(() => scrollTo(0, 0));
await page.screenshot({ path: `${PICTURES}/dead.png` });

await browser.close();
process.exit(wrong === 0 ? 0 : 1);
