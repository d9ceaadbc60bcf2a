import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openSqliteDatabase } from "../../server/src/db/dialect.ts";
import { startForge } from "../../server/tests/support/forge-double.ts";
import { git } from "../../server/tests/support/git.ts";
import { insertChanges } from "../../server/tests/support/history.ts";
import { provision } from "../../server/tests/support/provision.ts";
import { startProcess } from "../../server/tests/support/process.ts";
import { temporaryFolder } from "../../server/tests/support/temporary.ts";
import { newContext, openAs, signIn, watchErrors } from "./support/browser.ts";
import { startConsole } from "./support/server.ts";

const count = 100_000;

describe("a history of 100,000 changes", () => {
  let url: string;
  let token: string;
  beforeAll(async () => {
    const environment = { CICLO_HOME: await temporaryFolder() };
    token = (await provision(environment, { vera: ["viewer"] }))["vera"] ?? "";
    const database = await openSqliteDatabase(join(environment.CICLO_HOME, "ciclo.db"));
    await insertChanges(database, count);
    await database.close();
    ({ url } = await startProcess(environment));
  });

  it("is paged through by cursor, holding one page at a time, and searched whole", async () => {
    const page = await signIn(await newContext(), url, token, "/changes");
    const errors = watchErrors(page);
    const history = page.getByRole("table", { name: "All changes" });
    const link = (index: number) => history.getByRole("link", { name: `Add agent ${index}`, exact: true });
    await link(count - 1).waitFor();
    for (let turn = 1; turn <= 5; turn += 1) {
      await page.getByRole("button", { name: "Older" }).click();
      await link(count - 1 - turn * 50).waitFor();
      expect(await history.getByRole("row").count()).toBe(51);
    }
    await page.reload();
    await link(count - 251).waitFor();
    await page.goBack();
    await link(count - 201).waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("Add agent 123");
    await link(12_399).waitFor();
    await page.getByRole("searchbox", { name: "Search" }).fill("agent 4711");
    await link(47_119).waitFor();
    await page.getByRole("button", { name: "Older" }).waitFor({ state: "detached" });
    await link(4711).focus();
    await page.keyboard.press("ArrowUp");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Add agent 47110");
    expect(errors).toEqual([]);
  });
});

describe("a change with a pull request", () => {
  it("shows its checks as the forge reports them, and reads them again when asked", async () => {
    const seed = await startConsole({});
    const remote = join(await temporaryFolder(), "remote.git");
    git(seed.home, "clone", "--quiet", "--bare", seed.git, remote);
    const forge = await startForge("github", remote);
    const server = await startConsole({ ana: ["viewer", "planner"], bruno: ["viewer", "approver"] }, () => ({
      CICLO_CONFIG_REPO: remote,
      CICLO_FORGE: "github",
      CICLO_FORGE_URL: forge.url,
      CICLO_FORGE_REPO: "acme/config",
      CICLO_FORGE_TOKEN: "forge-token",
    }));
    const ana = await openAs(server, "ana", "/assistant");
    await ana.getByRole("textbox", { name: "Message" }).fill("Add the agent catalog");
    await ana.keyboard.press("Enter");
    await ana.getByRole("button", { name: "Apply…" }).click();
    await ana.getByRole("button", { name: "Submit for approval" }).click();
    await ana.getByRole("article").getByRole("link", { name: "#1" }).waitFor();
    const bruno = await openAs(server, "bruno", "/changes");
    await bruno.getByRole("link", { name: "Review" }).click();
    const panel = bruno.getByRole("region", { name: "Pull request" });
    await panel.getByText("No check has reported.").waitFor();
    forge.checks = [
      { name: "lint", conclusion: "success" },
      { name: "policy", conclusion: "failure" },
    ];
    forge.reviews = [{ login: "octo", state: "APPROVED" }];
    await panel.getByRole("button", { name: "Read again" }).click();
    await panel.getByText("failure").waitFor();
    expect(await panel.getByRole("listitem").allInnerTexts()).toHaveLength(3);
    await bruno.getByRole("button", { name: "Roll back…" }).click();
    await bruno.getByText("Its pull request is closed:", { exact: false }).waitFor();
    await bruno.getByRole("button", { name: "Withdraw the change" }).click();
    await panel.getByText("Closed").waitFor();
    expect(forge.pulls[0]?.state).toBe("closed");
  });
});
