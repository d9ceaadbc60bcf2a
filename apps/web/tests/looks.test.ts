import { beforeAll, describe, expect, it } from "vitest";
import { isThorough } from "../../server/tests/support/extent.ts";
import { newContext, openAs, signIn } from "./support/browser.ts";
import { inspectForms, pictures, violations } from "./support/inspect.ts";
import { startSeeded } from "./support/seed.ts";

type Seeded = Awaited<ReturnType<typeof startSeeded>>;
let server: Seeded["server"];
let seeded: Seeded["seeded"];
beforeAll(async () => {
  ({ server, seeded } = await startSeeded());
});

describe("what opens", () => {
  it("is free of axe's findings too", async () => {
    const page = await signIn(
      await newContext({ theme: "dark", locale: "pt-BR" }),
      server.url,
      server.tokens["root"] ?? "",
    );
    const look = async (name: string, except: string[] = []): Promise<void> => {
      expect(await violations(page, { except })).toEqual([]);
      if (!isThorough) return;
      await page.screenshot({ path: `${pictures}/${name}-dark.png` });
      await page.emulateMedia({ colorScheme: "light" });
      await page.screenshot({ path: `${pictures}/${name}-light.png` });
      expect(await violations(page, { onlyColours: true })).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
    };
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    await page.getByRole("combobox").fill("catalog");
    await page.getByRole("option", { name: /add-agent-catalog/ }).waitFor();
    await look("palette");
    await page.getByRole("combobox").fill("add-agent-catalog");
    await expect.poll(() => page.getByRole("option").count()).toBe(1);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/changes\/add-agent-catalog/);
    await page.goto(`${server.url}/changes/${seeded.applied}?tab=plan`);
    await page.getByRole("button", { name: "Reverter…" }).click();
    await page.getByText("é removido").first().waitFor();
    await look("rollback");
    await page.goto(`${server.url}/access`);
    await page.getByRole("button", { name: "Adicionar usuário" }).click();
    await page.getByRole("textbox", { name: "Nome" }).waitFor();
    await look("add-user");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Ações para ana" }).click();
    await page.getByRole("menuitem").first().waitFor();
    // An open menu floats over the page's regions, in none of them.
    await look("user-menu", ["region"]);
  });

  it("a conversation with its plan, at each width", async () => {
    const context = await newContext({ theme: "dark", locale: "pt-BR" });
    const page = await signIn(context, server.url, server.tokens["ana"] ?? "", "/assistant");
    await page
      .getByRole("complementary")
      .getByRole("link", { name: /agente fiscal/ })
      .click();
    await page.getByRole("article").waitFor();
    await page.getByText("agents/fiscal/agent.yaml").waitFor();
    await inspectForms(page, "thread", "pt-BR");
    expect(await page.getByRole("tab").allInnerTexts()).toHaveLength(4);
  });
});

describe("choices", () => {
  it("of language and theme hold at once, and after a reload", async () => {
    const page = await signIn(await newContext({ locale: "en" }), server.url, server.tokens["root"] ?? "");
    await page.getByRole("button", { name: "Language" }).click();
    await page.getByRole("menuitemradio", { name: "Português (Brasil)" }).click();
    await page.getByRole("heading", { name: "Início" }).waitFor();
    await page.getByText("Nada está parado").waitFor();
    await page.getByRole("button", { name: "Tema" }).click();
    await page.getByRole("menuitemradio", { name: "Escuro" }).click();
    await page.reload();
    await page.getByRole("heading", { name: "Início" }).waitFor();
    expect(
      await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset["theme"]]),
    ).toEqual(["pt-BR", "dark"]);
  });

  it("of filters and pages are in the address, and the way back leads through them", async () => {
    const page = await signIn(
      await newContext({ locale: "en" }),
      server.url,
      server.tokens["root"] ?? "",
      "/changes",
    );
    await page.getByLabel("Outcome").selectOption("rejected");
    await page.waitForURL(/outcome=rejected/);
    await expect.poll(() => page.getByRole("table").getByRole("row").count()).toBe(2);
    await page.getByRole("searchbox", { name: "Search" }).fill("nothing like this");
    await page.getByText("No change fits these filters").waitFor();
    await page.goBack();
    await page
      .getByRole("table")
      .getByRole("link", { name: /shadow/ })
      .click();
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.goBack();
    await page.waitForURL(/outcome=rejected/);
    await page.reload();
    expect(await page.getByLabel("Outcome").inputValue()).toBe("rejected");
  });
});

it("the kit is not part of what is shipped", async () => {
  const response = await fetch(`${server.url}/kit`, { headers: { accept: "text/html" } });
  expect(response.status).toBe(200);
  const page = await openAs(server, "root", "/");
  await page.goto(`${server.url}/kit`);
  await page.getByText("Nothing is at this address").waitFor();
});
