import type { Mount } from "../../domain/mount.ts";
import { reportCsv } from "./report-csv.ts";
import { reportPage } from "./report-page.ts";
import { focusCsv } from "./focus.ts";
import type { CostsService } from "./service.ts";

export function costsRoutes(mount: Mount, costs: CostsService): void {
  mount("getUsage", ({ query, locale }) => costs.report(query, locale));
  mount("exportUsage", async ({ query, locale }) => oneText(reportCsv(await costs.report(query, locale))));
  mount("exportUsagePage", async ({ query, locale }) => {
    const asked = { bucket: "day" as const, ...query };
    return oneText(reportPage(await costs.report(asked, locale), asked, locale));
  });
  mount("exportFocus", async ({ query }) => oneText(focusCsv(await costs.charges(query))));
  mount("reconcile", ({ body, locale }) => costs.reconcile(body, locale));
  mount("reprice", ({ body, actor }) => costs.reprice(actor, body));
  mount("listRunPauses", async ({ actor }) => ({ items: await costs.pauses(actor) }));
  mount("decideRunPause", ({ actor, params, body }) => costs.decide(actor, params.id, body));
  mount("listBudgets", async ({ locale }) => ({ items: await costs.standings(locale) }));
}

const oneText = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream();
