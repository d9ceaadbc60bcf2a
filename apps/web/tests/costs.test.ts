import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { UsageReport } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { newContext, signIn } from "./support/browser.ts";
import { seedCosts } from "./support/seed-costs.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";

const bin = fileURLToPath(new URL("../../server/bin/ciclo.mjs", import.meta.url));
const run = promisify(execFile);
const zone = "America/Sao_Paulo";

let server: RunningConsole;
beforeAll(async () => {
  server = await startConsole({
    ana: ["viewer", "planner"],
    bruno: ["viewer", "approver"],
    root: ["viewer", "planner", "approver", "admin"],
  });
  await seedCosts(server);
});

const costs = async (locale: "en" | "pt-BR", path: string): Promise<Page> =>
  signIn(await newContext({ locale }), server.url, server.tokens["root"] ?? "", path);

const dayOf = (daysAgo: number): string =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(new Date(Date.now() - daysAgo * 86_400_000));

async function usage(...more: string[]): Promise<UsageReport> {
  const { stdout } = await run(process.execPath, [bin, "usage", "--json", "--tz", zone, ...more], {
    env: { ...process.env, CICLO_URL: server.url, CICLO_TOKEN: server.tokens["root"] },
  });
  return JSON.parse(stdout) as UsageReport;
}

/** The exact amounts that a table shows, by the name of its row. */
const amountsIn = (page: Page, label: string): Promise<[string, number][]> =>
  page
    .getByRole("table", { name: label, exact: true })
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [
        row.querySelector("a, th, td")?.textContent ?? "",
        Number(row.querySelector("[data-usd]")?.getAttribute("data-usd")),
      ]),
    );

describe("the page of costs", () => {
  it("shows what `ciclo usage --json` says: sums, groups and the chart's table", async () => {
    const [from, to] = [dayOf(29), dayOf(0)];
    const page = await costs("en", `/costs?from=${from}&to=${to}`);
    await page.getByRole("table", { name: "Model" }).waitFor();
    const report = await usage("--from", from, "--to", to, "--group-by", "model", "--bucket", "day");
    expect(await amountsIn(page, "Model")).toEqual(report.groups.map(({ key, cost_usd }) => [key, cost_usd]));
    const spent = page.getByRole("definition").locator("[data-usd]");
    expect(Number(await spent.getAttribute("data-usd"))).toBe(report.total.cost_usd);
    await page.getByText("The same as a table").click();
    const series = (await amountsIn(page, "Spend over time")).map(([, usd]) => usd);
    expect(series).toEqual(report.series.map(({ cost_usd }) => cost_usd));
    expect(series).toHaveLength(30);
    expect(series.reduce((sum, usd) => sum + usd, 0)).toBeCloseTo(report.total.cost_usd, 6);
    // A model that nothing prices is not shown as free.
    await page.getByRole("row", { name: /acme-large-1 no price/ }).waitFor();
    await page.getByText(/Calls without a known price/).waitFor();
  });

  it("leads with the budgets, what is nearest to its limit first, and says who may raise them", async () => {
    const page = await costs("pt-BR", "/costs");
    const budgets = page.getByRole("region", { name: "Orçamentos" });
    await budgets.getByRole("article").first().waitFor();
    expect(await budgets.getByRole("article").first().innerText()).toMatch(
      /^Claude\s+policies\/night\.yaml · limits\.total_usd\s+Esgotado\s+US\$\s[\d.,]+ de US\$\s12,00 \([\d.,]+%\)/,
    );
    expect(await budgets.getByRole("article", { name: /Pessoa (ana|bruno) total_usd/ }).count()).toBe(2);
    await budgets.getByText("Um planner pode planejar um limite maior").first().waitFor();
  });

  it("has a paused run decided on by an approver, who sees what it spent of which budget", async () => {
    const home = await costs("pt-BR", "/");
    await home.getByRole("link", { name: "1 execução esgotou o orçamento e espera uma decisão" }).click();
    await home.getByRole("region", { name: "Execuções pausadas" }).getByText("Espera uma decisão").waitFor();
    const page = await costs("en", "/costs");
    const paused = page
      .getByRole("region", { name: "Paused runs" })
      .getByRole("article", { name: "nightly-42" });
    await paused.getByText(/\$0\.0\d of \$0\.05 are spent.*gpt-5\.2/).waitFor();
    await paused.getByText("policies/nightly.yaml · limits.total_usd").waitFor();
    await page.getByRole("button", { name: "Send it to another model… (nightly-42)" }).click();
    await page.getByRole("textbox", { name: "Model" }).fill("gpt-5-mini");
    await page.getByRole("button", { name: "Send it there" }).click();
    // The budget counts all calls of the run: without an amount it would stay paused.
    await page
      .getByRole("dialog")
      .getByText(/counts the calls of gpt-5-mini too/)
      .waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Let it spend more… (nightly-42)" }).click();
    await page.getByLabel("More, in US dollars").fill("2.5");
    await page.getByLabel("Reason").fill("the release waits for it");
    await page.getByRole("button", { name: "Let it spend more", exact: true }).click();
    await paused.getByText("May spend more").waitFor();
    await paused.getByText(/\$2\.50 more · the release waits for it/).waitFor();
    // What was decided is there for the others, too.
    const { stdout } = await run(process.execPath, [bin, "run-pause", "list"], {
      env: { ...process.env, CICLO_URL: server.url, CICLO_TOKEN: server.tokens["bruno"] },
    });
    expect(stdout).toMatch(/nightly-42 {2}ana {2}0\.0\d+ USD of 0\.05 USD .* raised {2}2\.5 USD more/);
  });

  it("is narrowed down by a click, in its address, and back again", async () => {
    const page = await costs("en", "/costs");
    await page.getByRole("link", { name: "gpt-5.2" }).click();
    await page.waitForURL(/model=gpt-5\.2/);
    await page.getByRole("table", { name: "Person" }).waitFor();
    const narrowed = await usage(
      "--from",
      dayOf(29),
      "--to",
      dayOf(0),
      "--model",
      "gpt-5.2",
      "--group-by",
      "person",
    );
    await expect
      .poll(() => amountsIn(page, "Person"))
      .toEqual(narrowed.groups.map(({ key, cost_usd }) => [key, cost_usd]));
    await page.reload();
    await page.getByRole("button", { name: "Remove Model gpt-5.2" }).click();
    await page.waitForURL((url) => !url.search.includes("model="));
    await page.goBack();
    await page.getByRole("button", { name: "Remove Model gpt-5.2" }).waitFor();
  });

  it("is exported as it is shown", async () => {
    const page = await costs("en", `/costs?from=${dayOf(9)}&to=${dayOf(0)}&by=person`);
    await page.getByRole("table", { name: "Person" }).waitFor();
    const shown = await amountsIn(page, "Person");
    const save = async (entry: string): Promise<string> => {
      await page.getByRole("button", { name: "Export" }).click();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("menuitem", { name: entry, exact: true }).click(),
      ]);
      return await readFile(await download.path(), "utf8");
    };
    const [head = "", ...lines] = (await save("CSV")).trimEnd().split("\n");
    const place = head.split(",").indexOf("cost_usd");
    expect(lines.map((line) => [line.split(",")[0], Number(line.split(",")[place])])).toEqual(shown);
    const json = JSON.parse(await save("JSON")) as UsageReport;
    expect(json.groups.map(({ key, cost_usd }) => [key, cost_usd])).toEqual(shown);
    const html = await save("Page (HTML)");
    for (const [name] of shown) expect(html).toContain(`<th scope="row">${name}</th>`);
    expect(html).not.toMatch(/<script|src=|href=/);
    const focus = await save("FOCUS 1.3 (CSV)");
    expect(focus.split("\n", 1)[0]).toContain("BilledCost");
  });

  it("lays an invoice beside the ledger, and says what may explain the difference", async () => {
    const page = await costs("pt-BR", "/costs");
    await page.getByRole("button", { name: "Conferir uma fatura…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Provedor").fill("openai");
    await dialog.getByLabel("De", { exact: true }).fill(dayOf(30));
    await dialog.getByLabel("Até, inclusive").fill(dayOf(0));
    await dialog.getByLabel("A fatura em CSV").fill("model,valor\ngpt-5.2,99");
    await dialog.getByRole("button", { name: "Comparar" }).click();
    await dialog.getByText(/não tem coluna para o modelo/).waitFor();
    await dialog.getByLabel("A fatura em CSV").fill("model,usd\ngpt-5.2,99");
    await dialog.getByRole("button", { name: "Comparar" }).click();
    const row = dialog.getByRole("row", { name: /gpt-5\.2/ });
    await row.waitFor();
    expect(await row.innerText()).toMatch(/só são conhecidas pelo próprio (?:copilot-cli|my-agent)/);
    expect(await row.innerText()).toMatch(/US\$\s99,00/);
  });

  it("teaches the first step where there is nothing", async () => {
    const page = await costs("en", "/costs?from=2020-01-01&to=2020-01-31");
    await page.getByText("No calls in this period").waitFor();
    expect(await page.getByText("ciclo llm client claude-code").count()).toBe(1);
  });
});
