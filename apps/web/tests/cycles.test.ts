import { readFileSync } from "node:fs";
import { join } from "node:path";
import { locales } from "@ciclo/contract";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { executorOf, mends, type Step } from "../../server/tests/support/cycles/console.ts";
import { pdfWith } from "../../server/tests/support/documents.ts";
import { isThorough } from "../../server/tests/support/extent.ts";
import type { TestRepository } from "../../server/tests/support/repository.ts";
import { newContext, signIn, watchErrors } from "./support/browser.ts";
import { allowCycles } from "./support/seed-cycles.ts";
import { type RunningConsole, startConsole } from "./support/server.ts";
import { type Say, speaker } from "./support/words.ts";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

describe.each(isThorough ? locales : (["en"] as const))(
  "a delivery cycle in the browser, in %s",
  (locale) => {
    let server: RunningConsole;
    let repository: TestRepository;
    let say: Say;
    beforeAll(async () => {
      server = await startConsole({
        ana: ["viewer", "planner"],
        root: ["viewer", "planner", "approver", "admin"],
      });
      const asks: Step[] = [{ do: "permission", title: "npm run codegen" }, ...mends];
      repository = await allowCycles(server, { ...executorOf([asks]), permissions: "ask" });
      say = await speaker(locale);
    });

    it("goes from an issue to the branch: read, sent back once, agreed to, shown red and green, merged", async () => {
      const at = async (who: string, path: string) =>
        signIn(await newContext({ locale }), server.url, server.tokens[who] ?? "", path);
      const [ana, bruno] = [await at("ana", "/cycles"), await at("root", "/cycles")];
      const errors = [ana, bruno].map(watchErrors);
      await ana.getByText(say("No cycle yet")).waitFor();
      await button(ana, say("Start a cycle…")).click();
      const dialog = ana.getByRole("dialog");
      await dialog.getByRole("textbox", { name: say("Repository") }).fill("/nowhere/shop");
      await dialog.getByRole("textbox", { name: say("Issue") }).fill("# Sums are wrong\n\nsum(2, 2) is 0.");
      await button(ana, say("Start")).click();
      await dialog.getByRole("alert").waitFor();
      // What was typed is still there.
      const files = dialog.getByLabel(say("Attachments (optional)"));
      await files.setInputFiles([
        { name: "app.exe", mimeType: "application/octet-stream", buffer: Buffer.from("MZ") },
      ]);
      await dialog.getByText("app.exe").waitFor();
      const brief = { name: "brief.pdf", mimeType: "application/pdf", buffer: pdfWith("Totals are wrong") };
      await files.setInputFiles([brief]);
      await dialog.getByRole("textbox", { name: say("Repository") }).fill(repository.folder);
      await button(ana, say("Start")).click();
      await ana.waitForURL(/\/cycles\/sums-are-wrong-\w+$/);
      await ana.getByText(say("Waits for a decision")).waitFor();
      // Whoever asked for it does not decide, and is told why.
      expect(await button(ana, say("Approve")).getAttribute("aria-disabled")).toBe("true");

      await bruno
        .getByRole("link", { name: say("Home") })
        .first()
        .click();
      await bruno.getByRole("heading", { name: say("Cycles that wait") }).waitFor();
      await bruno.getByRole("link", { name: "Sums are wrong" }).click();
      await bruno.getByRole("heading", { name: say("Is this what is wanted?") }).waitFor();
      await bruno.getByRole("tab", { name: say("Specification") }).click();
      await bruno.getByText("sum adds its two numbers").waitFor();
      await button(bruno, say("Approve")).click();

      await bruno.getByRole("heading", { name: say("Is this how it should be done?") }).waitFor();
      await bruno.getByRole("tab", { name: say("Plan"), exact: true }).click();
      await bruno.getByText("Mend sum and test it.").waitFor();
      expect(await button(bruno, say("Send back")).getAttribute("aria-disabled")).toBe("true");
      await bruno.getByRole("textbox", { name: say("Comment") }).fill("Name the callers, please");
      await button(bruno, say("Send back")).click();
      await bruno.getByRole("tab", { name: say("History") }).click();
      await bruno.getByText(say("Sent back")).waitFor();
      await bruno.getByRole("heading", { name: say("Is this how it should be done?") }).waitFor();
      await button(bruno, say("Approve")).click();

      await button(bruno, say("Allow")).waitFor({ timeout: 60_000 });
      await bruno.getByText("npm run codegen").first().waitFor();
      expect(await button(ana, say("Allow")).getAttribute("aria-disabled")).toBe("true");
      await button(bruno, say("Allow")).click();
      await bruno.getByRole("heading", { name: say("May this be merged?") }).waitFor({ timeout: 60_000 });
      await bruno.getByRole("tab", { name: say("Proof") }).click();
      const proof = bruno.getByRole("tabpanel");
      await proof.getByText("adds two numbers [T1]").waitFor();
      await proof.getByText(say("red before: an assertion failed")).waitFor();
      await proof.getByText(say("green now")).waitFor();
      await proof.getByText("All done, all green.").waitFor();
      // The run that was red is played as it was.
      const red = say("the new tests, on what there was before the change");
      const played = proof.getByRole("listitem").filter({ hasText: red });
      await played.getByText(say("failed, as they should")).waitFor();
      await played.getByRole("button", { name: say("Play the recording") }).click();
      await played.getByText("exit 1").waitFor();
      await proof.getByText(say("Changed lines that ran in the tests")).waitFor();
      await bruno.getByRole("tab", { name: say("Diff") }).click();
      await bruno.getByText("exports.sum = (a, b) => a + b;").first().waitFor();
      await bruno.getByRole("tab", { name: new RegExp(`^${say("Logs")}`) }).click();
      await bruno.getByRole("button", { name: /^test-head\.log/ }).click();
      await bruno.getByText("$ node --test").waitFor();
      await bruno.getByRole("button", { name: /brief\.pdf\.txt/ }).click();
      await bruno.getByText("Totals are wrong").waitFor();
      await button(bruno, say("Approve")).click();
      await bruno.getByText(say("Completed")).first().waitFor();
      // The other sees it without asking.
      await ana.getByText(say("Completed")).first().waitFor();
      expect(readFileSync(join(repository.folder, "src/sum.js"), "utf8")).toContain("a + b");
      // What was merged is taken back.
      await button(bruno, say("Roll back…")).click();
      await bruno.getByRole("textbox", { name: say("Reason (optional)") }).fill("Totals are wrong now");
      await button(bruno, say("Take it back")).click();
      await ana.getByText(say("Taken back"), { exact: true }).first().waitFor();
      expect(readFileSync(join(repository.folder, "src/sum.js"), "utf8")).toContain("a - b");
      expect(errors).toEqual([[], []]);
    });
  },
);
