import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@ciclo/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { openSqliteDatabase } from "../../server/src/db/dialect.ts";
import { openAs, watchErrors } from "./support/browser.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";

let server: RunningConsole;
beforeAll(async () => {
  server = await startConsole({ ana: ["viewer", "planner"], vera: ["viewer"] });
});

describe("the audit log", () => {
  it("grows while somebody looks, is exported as filtered, and filters by time", async () => {
    const page = await openAs(server, "vera", "/audit");
    const errors = watchErrors(page);
    await page.getByText("Live: new entries appear by themselves").waitFor();
    const ana = createClient({ baseUrl: server.url, token: server.tokens["ana"] ?? "" });
    await ana.call("plan", { body: { intent: "add_agent", payload: { agent_name: "catalog" } } });
    await page.getByRole("button", { name: "plan.created", exact: true }).waitFor();
    await page.getByRole("searchbox", { name: "Action" }).fill("plan.created");
    await page.waitForURL(/action=plan.created/);
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Export as JSON lines" }).click();
    const lines = (await readFile(await (await downloading).path(), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual(["plan.created"]);
    await page.getByLabel("From").pressSequentially("01012100");
    await page.keyboard.press("Tab");
    await page.keyboard.type("1200AM");
    await page.keyboard.press("Enter");
    await page.getByText("No entry fits these filters").waitFor();
    expect(new URL(page.url()).searchParams.get("from")).toBe("2100-01-01T03:00:00.000Z");
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByRole("button", { name: "plan.created", exact: true }).waitFor();
    await page.goto(`${server.url}/audit?from=yesterday&colour=red`);
    await page.waitForURL(`${server.url}/audit`);
    await page.getByRole("button", { name: "plan.created", exact: true }).waitFor();
    expect(errors).toEqual([]);
  });

  it("says where it was altered, and what to do", async () => {
    const page = await openAs(server, "vera", "/audit");
    await page.getByRole("heading", { name: "The chain is intact" }).waitFor();
    const database = await openSqliteDatabase(join(server.home, "ciclo.db"));
    await database.queries
      .updateTable("audit_events")
      .set({ actor_name: "mallory" })
      .where("seq", "=", 2)
      .execute();
    await database.close();
    await page.getByRole("button", { name: "Verify again" }).click();
    await page.getByRole("heading", { name: "The chain is broken at entry 2" }).waitFor();
    expect(await page.getByText("Keep the database as it is", { exact: false }).count()).toBe(1);
  });
});
