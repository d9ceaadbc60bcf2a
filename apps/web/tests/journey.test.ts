import { locales } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { isThorough } from "../../server/tests/support/extent.ts";
import { branches, git } from "../../server/tests/support/git.ts";
import { newContext, signIn, watchErrors } from "./support/browser.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";
import { type Say, speaker } from "./support/words.ts";

const asks = {
  en: "Add the agent catalog from the repository acme/catalog",
  "pt-BR": "Adicione o agente catalog do repositório acme/catalog",
};

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

describe.each(isThorough ? locales : (["pt-BR"] as const))("the runbook's journey in %s", (locale) => {
  let server: RunningConsole;
  let say: Say;
  beforeAll(async () => {
    server = await startConsole({
      ana: ["viewer", "planner"],
      bruno: ["viewer", "approver"],
    });
    say = await speaker(locale);
  });

  it("goes from a sentence to a commit and back, decided by another person, seen live by the first", async () => {
    const ana = await signIn(
      await newContext({ locale }),
      server.url,
      server.tokens["ana"] ?? "",
      "/assistant",
    );
    const bruno = await signIn(await newContext({ locale }), server.url, server.tokens["bruno"] ?? "");
    const errors = [ana, bruno].map(watchErrors);
    await bruno.getByText(say("Nothing waits for your decision")).first().waitFor();

    // Ana asks, reads the plan, tries it, submits it.
    await ana.getByRole("textbox", { name: say("Message") }).fill(asks[locale]);
    await button(ana, say("Send")).click();
    const plan = ana.getByRole("article");
    await plan.getByText("agents/catalog/agent.yaml").waitFor();
    await ana.waitForURL(/\/assistant\/[\w-]+$/);
    await plan.getByRole("tab", { name: new RegExp(say("Risks")) }).click();
    await plan.getByRole("tabpanel").getByRole("listitem").first().waitFor();
    await plan.getByRole("tab", { name: say("Preview") }).click();
    await plan.getByText("ciclo/add-agent-catalog").first().waitFor();
    const before = git(server.git, "rev-parse", "main");
    await button(ana, say("Apply…")).click();
    await plan
      .getByText(
        say("The dry run passed: the patch applies, every file fits its schema, and nothing was written."),
      )
      .waitFor();
    expect(branches(server.git)).toEqual(["main"]);
    await button(ana, say("Submit for approval")).click();
    const decision = ana.getByRole("region", { name: say("Decision") });
    await decision.waitFor();
    const branch = branches(server.git).find((name) => name.startsWith("ciclo/add-agent-catalog")) ?? "";
    const commit = git(server.git, "rev-parse", branch);
    await plan.getByText(branch).first().waitFor();
    await plan.getByText(commit.slice(0, 8)).first().waitFor();
    // She is no approver: the buttons are there, and say why they do nothing.
    await decision.getByText(say("Requires the role: {roles}", { roles: "approver" })).waitFor();
    expect(await button(ana, say("Approve")).getAttribute("aria-disabled")).toBe("true");
    await ana.reload();
    await decision.waitFor();

    // Bruno sees it come by itself, reads it and approves.
    const bell = bruno.getByRole("button", {
      name: say("{count, plural, one {# approval waits for you} other {# approvals wait for you}}").includes(
        "espera",
      )
        ? /1 aprovação espera/
        : /1 approval waits/,
    });
    await bell.click();
    await bruno.getByRole("menuitem").first().click();
    await bruno.waitForURL(/\/changes\/add-agent-catalog/);
    await bruno.getByText("name: catalog").waitFor();
    // The risk is where the decision is; a rejection needs its reason.
    await bruno
      .getByRole("region", { name: say("Decision") })
      .getByText(say("Medium"), { exact: true })
      .waitFor();
    expect(await button(bruno, say("Reject")).getAttribute("aria-disabled")).toBe("true");
    await bruno.getByRole("textbox", { name: say("Reason") }).fill("👍 olhei o diff — ok");
    await button(bruno, say("Approve")).click();
    await bruno.getByText(say("Applied to the live branch")).waitFor();
    expect(git(server.git, "rev-parse", "main")).toBe(commit);
    expect(git(server.git, "rev-parse", "main^")).toBe(before);

    // Ana's page shows it without a reload.
    await plan.getByText(say("Applied"), { exact: true }).first().waitFor();
    await ana.getByText("👍 olhei o diff — ok").waitFor();

    // Bruno rolls it back, told exactly what that does.
    await button(bruno, say("Roll back…")).click();
    const dialog = bruno.getByRole("dialog", { name: say("Roll back this change?") });
    await dialog.getByText("agents/catalog/agent.yaml").waitFor();
    expect(await dialog.getByText(say("is removed")).count()).toBe(2);
    await dialog.getByRole("textbox", { name: say("Reason") }).fill("not yet");
    await button(bruno, say("Roll back")).click();
    await dialog.waitFor({ state: "detached" });
    await bruno.getByText(say("Rolled back"), { exact: true }).first().waitFor();
    expect(git(server.git, "ls-tree", "-r", "--name-only", "main")).not.toContain("agents/catalog");
    await plan.getByText(say("Rolled back"), { exact: true }).first().waitFor();

    // The audit log holds every step, and its chain is whole.
    await ana.goto(`${server.url}/audit`);
    await ana.getByRole("heading", { name: say("The chain is intact") }).waitFor();
    const planId = branch.replace("ciclo/", "");
    await ana.getByRole("searchbox", { name: say("Plan") }).fill(planId);
    await ana.waitForURL(/plan_id=/);
    for (const action of ["change.submitted", "change.approved", "change.applied", "change.rolled_back"]) {
      await ana.getByRole("button", { name: action, exact: true }).waitFor();
    }
    await ana.getByRole("button", { name: "change.approved", exact: true }).click();
    await ana.getByRole("dialog").getByText("👍 olhei o diff — ok").waitFor();
    expect(errors.flat()).toEqual([]);
  });
});

describe("by keyboard alone", () => {
  let server: RunningConsole;
  beforeAll(async () => {
    server = await startConsole({ ana: ["viewer", "planner"], bruno: ["viewer", "approver"] });
  });

  /** Presses Tab until what is focused has this role and name. */
  async function tabTo(page: Page, name: string | RegExp): Promise<void> {
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        return (element?.getAttribute("aria-label") ?? element?.textContent ?? "").trim();
      });
      if (typeof name === "string" ? focused === name : name.test(focused)) return;
    }
    throw new Error(`Tab never reached ${String(name)}`);
  }

  it("an operator signs in, asks, submits; another approves and rolls back", async () => {
    const ana = await (await newContext()).newPage();
    await ana.goto(`${server.url}/`);
    await ana.locator("input[type=password]:focus").waitFor();
    await ana.keyboard.type(server.tokens["ana"] ?? "");
    await ana.keyboard.press("Enter");
    await ana.getByRole("heading", { name: "Home" }).waitFor();
    await ana.keyboard.press("Control+k");
    await ana.getByRole("combobox").waitFor();
    await ana.keyboard.type("assist");
    await ana.getByRole("option", { name: "Assistant", exact: true }).waitFor();
    await ana.keyboard.press("Enter");
    await ana.waitForURL(/\/assistant$/);
    await ana.getByRole("heading", { name: "Assistant", level: 1 }).waitFor();
    await ana.getByRole("combobox").waitFor({ state: "detached" });
    await ana.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    for (let presses = 0; presses < 60; presses += 1) {
      await ana.keyboard.press("Tab");
      if (await ana.locator("textarea:focus").count()) break;
    }
    await ana.keyboard.type("Add the agent keys from the repository acme/keys");
    await ana.keyboard.press("Enter");
    await ana.getByRole("article").waitFor();
    await tabTo(ana, "Apply…");
    await ana.keyboard.press("Enter");
    await ana.getByRole("button", { name: "Submit for approval" }).waitFor();
    await tabTo(ana, "Submit for approval");
    await ana.keyboard.press("Enter");
    await ana.getByRole("region", { name: "Decision" }).waitFor();

    const bruno = await (await newContext()).newPage();
    await bruno.goto(`${server.url}/changes`);
    await bruno.locator("input[type=password]:focus").waitFor();
    await bruno.keyboard.type(server.tokens["bruno"] ?? "");
    await bruno.keyboard.press("Enter");
    await bruno.getByRole("link", { name: "Review" }).waitFor();
    await tabTo(bruno, "Review");
    await bruno.keyboard.press("Enter");
    await bruno.getByRole("region", { name: "Decision" }).waitFor();
    await tabTo(bruno, "Approve");
    await bruno.keyboard.press("Enter");
    await bruno.getByText("Applied to the live branch").waitFor();
    const dialog = bruno.getByRole("dialog", { name: "Roll back this change?" });
    await bruno.getByRole("dialog", { name: "Applied to main" }).waitFor({ state: "detached" });
    await bruno.getByRole("button", { name: "Roll back…" }).focus();
    await bruno.keyboard.press("Enter");
    await dialog.getByText("agents/keys/agent.yaml").waitFor();
    // Focus stays inside the dialog, and Escape gives it back.
    for (let presses = 0; presses < 12; presses += 1) {
      await bruno.keyboard.press("Tab");
      const outside = () =>
        bruno.evaluate(() =>
          document.activeElement?.closest("[role=dialog], [data-base-ui-focus-guard]") === null
            ? document.activeElement.outerHTML
            : null,
        );
      await expect.poll(outside).toBeNull();
    }
    await tabTo(bruno, "Keep the change");
    await bruno.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await bruno.locator("button:focus", { hasText: "Roll back…" }).waitFor();
    await bruno.keyboard.press("Enter");
    await dialog.getByText("agents/keys/agent.yaml").waitFor();
    await tabTo(bruno, "Roll back");
    await bruno.keyboard.press("Enter");
    await bruno.getByText("Rolled back", { exact: true }).first().waitFor();
  });
});
