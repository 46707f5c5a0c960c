// Sends one made-up run with playwright-azure-reporter, for a measurement beside kado
// (`tests/benches/other.rs`). Nothing of the reporter is changed: its class gets what Playwright
// would tell it of tests that ended, without Playwright and its browsers. Its quicker mode is
// taken, which sends results in packs of 50 when everything is over; files go one after the other
// in both.
//
// node playwright_reporter.cjs MODULES WORK: the folder of node_modules with the reporter, and a
// file of JSON with `base`, `project`, `plan`, `token`, `cases` (ids) and `pictures` (files, one for
// each of the first tests).

const fs = require("fs");
const path = require("path");

const [modules, file] = process.argv.slice(2);
const work = JSON.parse(fs.readFileSync(file, "utf8"));
const { default: Reporter } = require(path.join(modules, "@alex_neo", "playwright-azure-reporter"));

// The lines that it prints for an agent of Azure Pipelines say nothing here.
process.stdout.write = () => true;

async function main() {
  const reporter = new Reporter({
    orgUrl: work.base,
    projectName: work.project,
    planId: work.plan,
    token: work.token,
    publishTestResultsMode: "testRun",
    uploadAttachments: true,
    attachmentsType: ["screenshot"],
    testRunConfig: { configurationIds: [1] },
    logging: false,
  });

  await reporter.onBegin();
  for (const [number, id] of work.cases.entries()) {
    const picture = work.pictures[number];
    const error = { message: "Object 'Page/button' is not present", stack: "at Page.click" };
    const test = { title: `Case ${number} [${id}]`, annotations: [], tags: [] };
    await reporter.onTestEnd(test, {
      status: picture ? "failed" : "passed",
      duration: 1000,
      error: picture ? error : undefined,
      errors: picture ? [error] : [],
      attachments: picture
        ? [{ name: "screenshot", path: picture, contentType: "image/png" }]
        : [],
    });
  }
  await reporter.onEnd();
}

main();
