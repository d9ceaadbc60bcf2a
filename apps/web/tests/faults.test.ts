import { createClient } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { startProcess } from "../../server/tests/support/process.ts";
import { newContext, openAs, signIn, watchErrors } from "./support/browser.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";

const message = (page: Page) => page.getByRole("textbox", { name: "Message" });
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

async function ask(page: Page, text: string): Promise<void> {
  await message(page).fill(text);
  await press(page, "Send");
}

/** Keeps the assistant's answers back until the function that it returns is called. */
async function holdAnswers(page: Page): Promise<() => void> {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/v1/config/chat", async (route) => {
    if (route.request().method() === "POST") await held;
    await route.continue();
  });
  return () => release();
}

let server: RunningConsole;
const tokenOf = (name: string): string => server.tokens[name] ?? "";
const api = (name: string) => createClient({ baseUrl: server.url, token: tokenOf(name) });
beforeAll(async () => {
  server = await startConsole(
    {
      ana: ["viewer", "planner"],
      bruno: ["viewer", "approver"],
      clara: ["viewer", "approver"],
      root: ["viewer", "admin"],
    },
    (port) => ({ CICLO_PUBLIC_URL: `http://console.test:${port}` }),
  );
});

/** A change that waits for approval. */
async function submitted(agent: string): Promise<{ plan_id: string; approval_id: string }> {
  const { plan, patch } = await api("ana").call("plan", {
    body: { intent: "add_agent", payload: { agent_name: agent } },
  });
  const body = { plan, patch, actor: "ana", actor_email: "ana@example.com" };
  const { plan_id, approval_id } = await api("ana").call("apply", { body });
  return { plan_id, approval_id: approval_id ?? "" };
}

describe("when the console goes away", () => {
  it("says so, keeps what is typed, comes back by itself, and shows what was missed", async () => {
    const own = await startConsole({ ana: ["viewer", "planner"], bruno: ["viewer", "approver"] });
    const page = await signIn(await newContext(), own.url, own.tokens["ana"] ?? "", "/assistant");
    await page.getByText("Say what should change", { exact: false }).waitFor();
    await own.stop();
    await page.getByText("The connection to the console is lost.", { exact: false }).waitFor();
    await ask(page, "Add the agent later");
    await page.getByText("The console does not answer").last().waitFor();
    expect(await message(page).inputValue()).toBe("Add the agent later");
    const again = await startProcess(own.environment);
    await page.goto(`${own.url}/assistant`);
    await message(page).waitFor();
    expect(await message(page).inputValue()).toBe("Add the agent later");
    await press(page, "Send");
    await page.getByRole("article").waitFor();
    await again.stop();
    await page.getByText("The connection to the console is lost.", { exact: false }).waitFor();
    const third = await startProcess(own.environment);
    await page
      .getByText("The connection to the console is lost.", { exact: false })
      .waitFor({ state: "detached" });
    await third.stop();
  });
});

describe("when circumstances are poor", () => {
  it("a rotation whose progress is refused can be closed, and followed again", async () => {
    await api("ana").call("addKey", { body: { provider: "hub", name: "STREAM", value: "one" } });
    const page = await openAs(server, "bruno", "/keys");
    await page.route("**/keys/rotations/*/events", (route) => route.fulfill({ status: 429 }));
    const card = page.getByRole("article", { name: "secret:hub/STREAM" });
    await card.getByRole("button", { name: "Rotate…" }).click();
    const dialog = page.getByRole("dialog", { name: "Rotate secret:hub/STREAM" });
    await dialog.getByLabel("New value").fill("two");
    await dialog.getByRole("button", { name: "Try it and use it" }).click();
    await dialog.getByText("Its progress cannot be followed just now.", { exact: false }).waitFor();
    await page.unroute("**/keys/rotations/*/events");
    await dialog.getByRole("button", { name: "Follow it again" }).click();
    await dialog.getByText("In use", { exact: true }).waitFor();
    await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
    await dialog.waitFor({ state: "detached" });

    await page.route("**/keys/rotations/*/events", (route) => route.fulfill({ status: 429 }));
    await card.getByRole("button", { name: "Rotate…" }).click();
    await dialog.getByLabel("New value").fill("three");
    await dialog.getByRole("button", { name: "Try it and use it" }).click();
    await dialog.getByText("Its progress cannot be followed just now.", { exact: false }).waitFor();
    await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
    await dialog.waitFor({ state: "detached" });
    const { items } = await api("bruno").call("listKeys");
    expect(items.find(({ name }) => name === "STREAM")).toMatchObject({ state: "active", version: 3 });
  });

  it("works over plain HTTP from another machine, where browsers offer less", async () => {
    const url = server.url.replace("127.0.0.1", "console.test");
    const page = await signIn(await newContext(), url, tokenOf("bruno"), "/changes");
    const errors = watchErrors(page);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    const { plan_id } = await submitted("plain-http");
    await page.getByRole("link", { name: "Review" }).first().waitFor();
    await page.goto(`${url}/changes/${plan_id}`);
    await page.getByRole("button", { name: "Copy plan id" }).click();
    await page.getByText("Select it and copy by hand").first().waitFor();
    await press(page, "Approve");
    await page.getByText("Applied to the live branch").waitFor();
    expect(errors).toEqual([]);
  });

  it("loads again by itself what did not come the first time", async () => {
    const context = await newContext();
    let refusals = 0;
    await context.route(/menu-list/, async (route) => {
      refusals += 1;
      await (refusals > 2 || hasReloaded ? route.continue() : route.abort());
    });
    let hasReloaded = false;
    const page = await signIn(context, server.url, tokenOf("ana"));
    page.on("framenavigated", () => (hasReloaded = true));
    const item = page.getByRole("menuitem", { name: "Sign out" });
    // A browser that remembers what did not load (Chromium 150) loads the whole page again, and has forgotten the click.
    await expect
      .poll(
        async () => {
          if (await item.isVisible()) return true;
          await page.getByRole("button", { name: "Account" }).click();
          return item.waitFor({ timeout: 3000 }).then(
            () => true,
            () => false,
          );
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    expect(await page.getByRole("heading", { name: "Home" }).count()).toBe(1);
  });

  it("does not drag somebody back to a conversation they have left", async () => {
    const page = await openAs(server, "ana", "/assistant");
    const answer = await holdAnswers(page);
    await ask(page, "Add the agent elsewhere");
    await page.getByRole("link", { name: "Changes", exact: true }).click();
    await page.getByRole("heading", { name: "Changes", level: 1 }).waitFor();
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    answer();
    await (await answered).finished();
    await page.getByRole("link", { name: "Assistant", exact: true }).click();
    await page
      .getByRole("complementary")
      .getByRole("link", { name: /elsewhere/ })
      .waitFor();
    expect(page.url()).toBe(`${server.url}/assistant`);
  });
});

describe("when the session ends mid-way", () => {
  it("asks for it on top of the page, and what was asked goes on", async () => {
    const page = await openAs(server, "ana", "/assistant");
    const { items } = await api("root").call("listUsers");
    const { id = "" } = items.find(({ name }) => name === "ana") ?? {};
    // The session ends while the message is on its way: what the page asks for by itself may notice it at any moment.
    const rotated = Promise.withResolvers<void>();
    await page.route(
      "**/api/v1/config/chat",
      async (route) => {
        await rotated.promise;
        await route.continue();
      },
      { times: 1 },
    );
    await ask(page, "Add the agent expired");
    const { token } = await api("root").call("rotateToken", { params: { id }, body: {} });
    server.tokens["ana"] = token;
    rotated.resolve();
    const dialog = page.getByRole("dialog", { name: "Your session has ended" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.getByLabel("Token").fill("not this one");
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await dialog.getByText("unauthenticated").waitFor();
    await dialog.getByLabel("Token").fill(token);
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("article", { name: /expired/i }).waitFor();
    expect(await dialog.count()).toBe(0);
    expect(await message(page).inputValue()).toBe("");
  });

  it("of another tab's signing in again, takes the new session without asking", async () => {
    const context = await newContext();
    const page = await signIn(context, server.url, tokenOf("ana"), "/assistant");
    const response = await page.request.post(`${server.url}/api/v1/session`, {
      data: { token: tokenOf("ana") },
    });
    expect(response.status()).toBe(201);
    await ask(page, "Add the agent other-tab");
    await page.getByRole("article", { name: /other-tab/ }).waitFor();
  });
});

describe("when the plan is no longer what it was", () => {
  it("says so where it is decided, before anybody tries", async () => {
    const edit = async (daily_usd: number) => {
      const { plan, patch } = await api("ana").call("plan", {
        body: {
          intent: "edit_policies",
          payload: { policy_id: "spend-guard", changes: { limits: { daily_usd } } },
        },
      });
      const body = { plan, patch, actor: "ana", actor_email: "ana@example.com" };
      return api("ana").call("apply", { body });
    };
    const [first, second] = [await edit(21), await edit(22)];
    const page = await openAs(server, "bruno", `/changes/${second.plan_id}`);
    await page.getByRole("heading", { name: /limits.daily_usd → 22/ }).waitFor();
    expect(
      await page.getByRole("button", { name: "Approve", exact: true }).getAttribute("aria-disabled"),
    ).toBeNull();
    await api("bruno").call("apply", {
      body: { approval_id: first.approval_id ?? "", approval_decision: "approve" },
    });
    await page
      .getByText("main has changed policies/spend-guard.yaml since this was planned.", { exact: false })
      .waitFor();
    expect(
      await page.getByRole("button", { name: "Approve", exact: true }).getAttribute("aria-disabled"),
    ).toBe("true");
    await page.getByRole("textbox", { name: "Reason" }).fill("Plan it on the new base");
    await press(page, "Reject");
    await page.getByText("Rejected", { exact: true }).first().waitFor();
  });

  it("a stale one offers to plan it again, in place", async () => {
    const page = await openAs(server, "ana", "/assistant");
    await ask(page, "Set the monthly budget of spend-guard to 900 usd");
    await page.getByRole("article").waitFor();
    const { plan, patch } = await api("ana").call("plan", {
      body: {
        intent: "edit_policies",
        payload: { policy_id: "spend-guard", changes: { limits: { monthly_usd: 700 } } },
      },
    });
    const { approval_id } = await api("ana").call("apply", {
      body: { plan, patch, actor: "ana", actor_email: "ana@example.com" },
    });
    await api("bruno").call("apply", {
      body: { approval_id: approval_id ?? "", approval_decision: "approve" },
    });
    await press(page, "Apply…");
    await page.getByRole("alert").getByText("stale_plan").waitFor();
    await press(page, "Plan it again");
    await expect.poll(() => page.getByRole("article").count()).toBe(2);
    const fresh = page.getByRole("article").nth(1);
    await fresh.getByRole("button", { name: "Apply…" }).click();
    await fresh.getByText("The dry run passed", { exact: false }).waitFor();
  });

  it("one that was tampered with is refused, with what is wrong in which file", async () => {
    const page = await openAs(server, "ana", "/assistant");
    await page.route("**/api/v1/config/apply", async (route) => {
      const body = route.request().postDataJSON() as { patch: string };
      const patch = body.patch.replace("name: tampered", "name: smuggled");
      await route.continue({ postData: JSON.stringify({ ...body, patch }) });
    });
    await ask(page, "Add the agent tampered");
    await press(page, "Apply…");
    const alert = page.getByRole("alert");
    await alert.getByText("patch_rejected").waitFor();
    expect(await alert.getByRole("listitem").count()).toBeGreaterThan(0);
    await alert
      .getByText("agents/tampered/agent.yaml")
      .or(alert.getByText("patch", { exact: true }))
      .first()
      .waitFor();
  });
});

describe("when two decide", () => {
  it("who comes second reads who decided, and keeps the reason they had typed", async () => {
    const { plan_id } = await submitted("both-decide");
    const first = await openAs(server, "bruno", `/changes/${plan_id}`);
    const context = await newContext();
    const second = await signIn(context, server.url, tokenOf("clara"), `/changes/${plan_id}`);
    await second.getByRole("textbox", { name: "Reason" }).fill("I have doubts about this one");
    await press(first, "Approve");
    await second.getByText("This was decided before your reason was sent.", { exact: false }).waitFor();
    await second.getByText("I have doubts about this one").waitFor();
    await second.getByText("bruno", { exact: true }).first().waitFor();
    expect(await second.getByRole("button", { name: "Reject" }).count()).toBe(0);
  });

  it("a page that has not heard yet is told by the server, and loses nothing", async () => {
    const { plan_id, approval_id } = await submitted("not-heard");
    const context = await newContext();
    await context.route("**/api/v1/events", (route) => route.abort());
    const page = await signIn(context, server.url, tokenOf("clara"), `/changes/${plan_id}`);
    await page.getByRole("textbox", { name: "Reason" }).fill("Too late, it seems");
    await api("bruno").call("apply", { body: { approval_id, approval_decision: "approve" } });
    await press(page, "Reject");
    await page.getByText("This approval is approved already").waitFor();
    await page.getByText("Too late, it seems").waitFor();
    expect((await api("ana").call("getChange", { params: { plan_id } })).outcome).toBe("applied");
  });

  it("in two tabs of one browser, one connection serves both", async () => {
    const { plan_id } = await submitted("two-tabs");
    const context = await newContext();
    const streams: string[] = [];
    context.on("request", (request) => {
      if (request.url().endsWith("/api/v1/events")) streams.push(request.url());
    });
    const first = await signIn(context, server.url, tokenOf("bruno"), `/changes/${plan_id}`);
    const second = await context.newPage();
    await second.goto(`${server.url}/changes/${plan_id}`);
    await second.getByRole("button", { name: "Approve", exact: true }).waitFor();
    await press(first, "Approve");
    await second.getByText("Applied to the live branch").waitFor();
    expect(streams).toHaveLength(1);
    // The tab that held the connection goes; the other takes it over.
    await first.close();
    await expect.poll(() => streams.length).toBe(2);
  });
});

describe("what is typed while the assistant answers", () => {
  it("is in the field of the conversation that has begun", async () => {
    const page = await openAs(server, "ana", "/assistant");
    const answer = await holdAnswers(page);
    await ask(page, "Add the agent typed-meanwhile");
    await message(page).fill("and give it the capability chat");
    answer();
    await page.waitForURL(/\/assistant\/[\w-]+$/);
    await page.getByRole("article").waitFor();
    expect(await message(page).inputValue()).toBe("and give it the capability chat");
    await page.getByRole("link", { name: "New", exact: true }).click();
    await page.waitForURL(/\/assistant$/);
    expect(await message(page).inputValue()).toBe("");
  });
});

describe("what people write", () => {
  const words = "🚀 ميزانية الوكيل — 日本語 👩‍👩‍👧 שלום";

  it("of any script is shown as it was written, and sent as it was typed", async () => {
    const page = await openAs(server, "ana", "/assistant", { width: 390 });
    const errors = watchErrors(page);
    await ask(page, words);
    await page.waitForURL(/\/assistant\/[\w-]+$/);
    await page.reload();
    await page.getByRole("log").getByText(words).first().waitFor();
    expect(errors).toEqual([]);
  });

  it("with hidden characters is shown with them written out", async () => {
    const { plan, patch } = await api("ana").call("plan", {
      body: {
        intent: "add_agent",
        payload: { agent_name: "trojan", description: "safe \u202E evil \u2066 \u{1F469}\u200D\u{1F467}" },
      },
    });
    await api("ana").call("apply", { body: { plan, patch, actor: "ana", actor_email: "ana@example.com" } });
    const page = await openAs(server, "bruno", `/changes/${plan.id}`);
    await page.getByText("invisible or direction-changing characters", { exact: false }).waitFor();
    await page.getByText("‹U+202E›", { exact: false }).first().waitFor();
    expect(await page.content()).not.toContain("\u202E");
    expect(await page.getByText("\u{1F469}\u200D\u{1F467}", { exact: false }).count()).toBeGreaterThan(0);
  });

  it("at great length breaks where it must, and nothing scrolls sideways on a phone", async () => {
    const name = "N".repeat(200);
    await api("root").call("createUser", {
      body: { name, email: `${"e".repeat(60)}@${"d".repeat(60)}.example.com`, roles: ["viewer"] },
    });
    const { plan, patch } = await api("ana").call("plan", {
      body: {
        intent: "add_agent",
        payload: { agent_name: "a".repeat(64), title: "T".repeat(500), repository: "r".repeat(500) },
      },
    });
    await api("ana").call("apply", { body: { plan, patch, actor: "ana", actor_email: "ana@example.com" } });
    const page = await openAs(server, "root", "/access", { width: 390, height: 844 });
    await page.getByText(name).first().waitFor();
    for (const path of ["/access", "/changes", `/changes/${plan.id}`, "/audit", "/"]) {
      await page.goto(`${server.url}${path}`);
      await page.locator("h1").waitFor();
      await page.waitForFunction(() => document.querySelector("[role=status][aria-label]") === null);
      const [width, visible] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(width, path).toBeLessThanOrEqual(visible ?? 0);
    }
  });

  it("in a diff of 5,000 lines is read when asked for, and the page answers meanwhile", async () => {
    const rules = Array.from({ length: 900 }, (_, index) => ({
      roles: ["viewer"],
      servers: [`server-${index}`],
      tools: ["*"],
      effect: "allow",
    }));
    const { plan, patch } = await api("ana").call("plan", {
      body: { intent: "edit_policies", payload: { policy_id: "access", changes: { rules } } },
    });
    expect(patch.split("\n").length).toBeGreaterThan(5000);
    await api("ana").call("apply", { body: { plan, patch, actor: "ana", actor_email: "ana@example.com" } });
    const page = await openAs(server, "bruno", `/changes/${plan.id}`);
    const file = page.getByText("Large file", { exact: false });
    await file.waitFor();
    await file.click();
    await page.getByText("server-899", { exact: false }).waitFor({ state: "attached" });
    await page.getByRole("textbox", { name: "Reason" }).fill("still answers");
    await press(page, "Reject");
    await page.getByText("Rejected", { exact: true }).first().waitFor();
  });
});
