import { randomBytes } from "node:crypto";
import { createClient } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { problemOf } from "../../server/tests/support/console.ts";
import { newContext, openAs, signIn, watchErrors } from "./support/browser.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";

let server: RunningConsole;
let admin: Page;
beforeAll(async () => {
  server = await startConsole({ root: ["viewer", "admin"] });
});

const api = (token: string) => createClient({ baseUrl: server.url, token });
const dialog = (name: string | RegExp) => admin.getByRole("dialog", { name });
const row = (name: string) => admin.getByRole("row", { name: new RegExp(name) });

/** Opens a person's menu and chooses from it. */
async function choose(name: string, action: string): Promise<void> {
  await admin.getByRole("button", { name: `Actions for ${name}` }).click();
  await admin.getByRole("menuitem", { name: action }).click();
}

/** The token that the console shows this once. */
async function tokenShown(name: string): Promise<string> {
  const shown = dialog(`Token of ${name}`);
  const token = await shown.getByRole("region", { name: "Token" }).innerText();
  await shown.getByRole("button", { name: "I have stored it" }).click();
  await shown.waitFor({ state: "detached" });
  return token.trim();
}

async function add(name: string, roles: string[], token?: string): Promise<void> {
  await admin.getByRole("button", { name: "Add a user" }).click();
  const form = dialog("Add a user");
  await form.getByRole("textbox", { name: "Name" }).fill(name);
  await form.getByRole("textbox", { name: "E-mail" }).fill(`${name}@example.com`);
  await form.getByRole("checkbox", { name: "viewer" }).uncheck();
  for (const role of roles) await form.getByRole("checkbox", { name: role }).check();
  if (token !== undefined) {
    await form.getByText("Own token and expiry").click();
    await form.getByLabel("Token made elsewhere").fill(token);
  }
  await form.getByRole("button", { name: "Add", exact: true }).click();
}

describe("every provisioning step of the runbook", () => {
  it("is done on one page: user, token, roles, new token, revocation, disabling, enabling", async () => {
    admin = await openAs(server, "root", "/access");
    const errors = watchErrors(admin);
    await add("olga", ["viewer", "planner"]);
    await dialog("Token of olga").waitFor();
    await admin.keyboard.press("Escape");
    await admin.keyboard.press("Control+k");
    expect(await admin.getByRole("combobox").count()).toBe(0);
    const first = await tokenShown("olga");
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect((await api(first).call("getSession")).permissions).toContain("plan");
    expect(await admin.content()).not.toContain(first);

    await choose("olga", "Change roles…");
    await dialog("Roles of olga").getByRole("checkbox", { name: "planner" }).uncheck();
    await dialog("Roles of olga").getByRole("checkbox", { name: "approver" }).check();
    await dialog("Roles of olga").getByRole("button", { name: "Save" }).click();
    await row("olga").getByText("approver").waitFor();
    expect((await api(first).call("getSession")).user.roles.toSorted()).toEqual(["approver", "viewer"]);

    await choose("olga", "New token…");
    await dialog("New token for olga?").getByText("stops working at once").waitFor();
    await dialog("New token for olga?").getByRole("button", { name: "Make a new token" }).click();
    const second = await tokenShown("olga");
    expect((await problemOf(api(first).call("getSession"))).code).toBe("unauthenticated");
    expect((await api(second).call("getSession")).user.email).toBe("olga@example.com");

    await choose("olga", "Revoke the token…");
    await dialog("Revoke the token of olga?").getByRole("button", { name: "Revoke the token" }).click();
    await row("olga").getByText("No token").waitFor();
    expect((await problemOf(api(second).call("getSession"))).code).toBe("unauthenticated");

    await choose("olga", "Disable…");
    await dialog("Disable olga?").getByRole("button", { name: "Disable" }).click();
    await row("olga").getByText("Disabled").waitFor();
    await choose("olga", "Enable…");
    await dialog("Enable olga?").getByRole("button", { name: "Enable" }).click();
    await row("olga").getByText("No token").waitFor();
    expect(errors).toEqual([]);
  });

  it("takes a token made with openssl, and shows next to a field what is wrong with it", async () => {
    admin = await openAs(server, "root", "/access");
    await add("bot", ["viewer"], "too-short");
    const form = dialog("Add a user");
    await form.getByRole("alert").first().waitFor();
    expect(await form.getByText("invalid_payload").count()).toBe(0);
    expect(await form.getByLabel("Token made elsewhere").getAttribute("aria-invalid")).toBe("true");
    expect(await form.getByRole("textbox", { name: "Name" }).inputValue()).toBe("bot");
    const token = randomBytes(32).toString("hex");
    await form.getByLabel("Token made elsewhere").fill(token);
    await form.getByRole("button", { name: "Add", exact: true }).click();
    expect(await tokenShown("bot")).toBe(token);
    const response = await fetch(`${server.url}/api/v1/config/chat`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(200);
  });

  it("shows whose tokens of runs are live, and ends one", async () => {
    const made = await api(server.tokens["root"] ?? "").call("createRunToken", {
      body: { run: "ci-4711", phase: "review", pull_request: "hub#12" },
    });
    admin = await openAs(server, "root", "/access");
    const row = admin.getByRole("row", { name: /ci-4711/ });
    await expect.poll(() => row.textContent()).toContain("review · hub#12");
    await row.getByRole("button", { name: "End the token of ci-4711" }).click();
    await dialog("End the token of ci-4711?").getByRole("button", { name: "End the token" }).click();
    await expect.poll(() => admin.getByRole("row", { name: /ci-4711/ }).count()).toBe(0);
    const { items } = await api(server.tokens["root"] ?? "").call("listRunTokens");
    expect(items.map(({ id }) => id)).not.toContain(made.id);
  });

  it("lets a person renew their own token without losing the page that shows it", async () => {
    admin = await openAs(server, "root", "/access");
    await choose("root", "New token…");
    await dialog("New token for root?").getByText("This is you.", { exact: false }).waitFor();
    await dialog("New token for root?").getByRole("button", { name: "Make a new token" }).click();
    server.tokens["root"] = await tokenShown("root");
    await admin.getByRole("button", { name: "Actions for root" }).waitFor();
    expect((await api(server.tokens["root"]).call("getSession")).user.name).toBe("root");
  });

  it("tells somebody without a role whom to ask, and lets them out", async () => {
    admin = await openAs(server, "root", "/access");
    await add("roleless", ["viewer"]);
    const token = await tokenShown("roleless");
    const page = await signIn(await newContext(), server.url, token);
    await choose("roleless", "Change roles…");
    await dialog("Roles of roleless").getByRole("checkbox", { name: "viewer" }).uncheck();
    await dialog("Roles of roleless").getByRole("button", { name: "Save" }).click();
    await row("roleless").getByText("may do nothing").waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "You have no role here" }).waitFor();
    await page.getByRole("button", { name: "Sign in as somebody else" }).click();
    await page.waitForURL(`${server.url}/sign-in`);
    expect((await problemOf(api(token).call("getSession"))).code).toBe("insufficient_permission");
  });

  it("refuses what would lock everybody out, and says so", async () => {
    admin = await openAs(server, "root", "/access");
    await choose("root", "Disable…");
    const asking = dialog("Disable root?");
    await asking.getByRole("button", { name: "Disable" }).click();
    await asking.getByRole("alert").getByText("policy_denied").waitFor();
    expect((await api(server.tokens["root"] ?? "").call("getSession")).user.disabled_at).toBeNull();
  });

  it("shows to others the matrix, and why the rest is not theirs", async () => {
    admin = await openAs(server, "root", "/access");
    await add("vera", ["viewer"]);
    const token = await tokenShown("vera");
    const vera = await signIn(await newContext(), server.url, token, "/access");
    await vera.getByText("Users are shown to those who manage them.").waitFor();
    expect(await vera.getByRole("button", { name: "Add a user" }).getAttribute("aria-disabled")).toBe("true");
    await vera.getByRole("rowheader", { name: "Approve and reject" }).waitFor();
    // A role given while she looks is there without a reload.
    await choose("vera", "Change roles…");
    await dialog("Roles of vera").getByRole("checkbox", { name: "admin" }).check();
    await dialog("Roles of vera").getByRole("button", { name: "Save" }).click();
    await vera.getByRole("row", { name: /root@example.com/ }).waitFor();
  });
});

describe("signing in", () => {
  it("by the link of the first run works once, and leaves no secret in the address", async () => {
    const fresh = await startConsole({});
    await expect.poll(() => fresh.output()).toMatch(/sign-in#/);
    const link = /http:\S+\/sign-in#\w+/.exec(fresh.output())?.[0] ?? "";
    const page = await (await newContext()).newPage();
    await page.goto(link);
    await page.getByRole("button", { name: "Continue" }).waitFor();
    expect(page.url()).toBe(`${fresh.url}/sign-in`);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    const again = await (await newContext()).newPage();
    await again.goto(link);
    await again.getByRole("button", { name: "Continue" }).click();
    await again.getByText("A link works once, within 15 minutes.", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL(`${fresh.url}/sign-in`);
    await page.goto(`${fresh.url}/changes?status=failed`);
    await page.waitForURL(/sign-in\?next=/);
  });

  it("goes on where the link pointed, never to another site", async () => {
    const token = server.tokens["root"] ?? "";
    const page = await signIn(await newContext(), server.url, token, "/audit?action=user.created");
    await page.getByRole("heading", { name: "Audit" }).waitFor();
    const other = await (await newContext()).newPage();
    await other.goto(`${server.url}/sign-in?next=//example.com/`);
    await other.locator("input[type=password]").fill(token);
    await other.keyboard.press("Enter");
    await other.waitForURL((url) => url.pathname !== "/sign-in");
    expect(new URL(other.url()).origin).toBe(server.url);
  });

  it("as somebody else in another tab, or out, reloads every tab", async () => {
    const context = await newContext();
    const first = await signIn(context, server.url, server.tokens["root"] ?? "", "/access");
    const second = await context.newPage();
    await second.goto(`${server.url}/sign-in`);
    const { token } = await api(server.tokens["root"] ?? "").call("createUser", {
      body: { name: "wanda", email: "wanda@example.com", roles: ["viewer"] },
    });
    await second.locator("input[type=password]").fill(token);
    await second.keyboard.press("Enter");
    await first.getByText("Users are shown to those who manage them.", { exact: false }).waitFor();
    await second.getByRole("button", { name: "Account" }).click();
    await second.getByRole("menuitem", { name: "Sign out" }).click();
    await first.waitForURL(/\/sign-in/);
    expect((await context.cookies()).filter(({ value }) => value !== "")).toEqual([]);
  });

  it("refuses a wrong token, and keeps what is typed", async () => {
    const page = await (await newContext()).newPage();
    await page.goto(`${server.url}/sign-in`);
    await page.locator("input[type=password]").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("unauthenticated").waitFor();
    expect(await page.locator("input[type=password]").inputValue()).toBe("wrong");
  });
});
