import type { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import type { Tables } from "../schema.ts";
import { initial } from "./0001-initial.ts";
import { servers } from "./0002-servers.ts";
import { hold } from "./0003-hold.ts";
import { definitions } from "./0004-definitions.ts";
import { doors } from "./0005-doors.ts";
import { liveBranch } from "./0006-live-branch.ts";
import { ledger } from "./0007-ledger.ts";
import { logFiles } from "./0008-log-files.ts";
import { budgets } from "./0009-budgets.ts";
import { webhooks } from "./0010-webhooks.ts";
import { whatWasPriced } from "./0011-what-was-priced.ts";
import { runTokens } from "./0012-run-tokens.ts";
import { runPauses } from "./0013-run-pauses.ts";
import { toldThresholds } from "./0014-told-thresholds.ts";
import { purseHolders } from "./0015-purse-holders.ts";
import { cycles } from "./0016-cycles.ts";
import { replays } from "./0017-replays.ts";
import { agentsQuestions } from "./0019-agents-questions.ts";
import { evidenceContents } from "./0020-evidence-contents.ts";
import { pullRequests } from "./0018-pull-requests.ts";

export type DatabaseKind = "sqlite" | "postgres";

/** Brings the tables up to date, or as far as a named migration. Throws when one fails; what it did is rolled back. */
export async function migrate(queries: Kysely<Tables>, kind: DatabaseKind, until?: string): Promise<void> {
  const migrator = new Migrator({
    db: queries,
    provider: {
      getMigrations: () =>
        Promise.resolve({
          "0001-initial": initial(kind),
          "0002-servers": servers,
          "0003-hold": hold,
          "0004-definitions": definitions,
          "0005-doors": doors,
          "0006-live-branch": liveBranch,
          "0007-ledger": ledger(kind),
          "0008-log-files": logFiles,
          "0009-budgets": budgets,
          "0010-webhooks": webhooks,
          "0011-what-was-priced": whatWasPriced,
          "0012-run-tokens": runTokens,
          "0013-run-pauses": runPauses,
          "0014-told-thresholds": toldThresholds,
          "0015-purse-holders": purseHolders,
          "0016-cycles": cycles,
          "0017-replays": replays,
          "0018-pull-requests": pullRequests,
          "0019-agents-questions": agentsQuestions,
          "0020-evidence-contents": evidenceContents,
        }),
    },
  });
  const { error } = await (until === undefined ? migrator.migrateToLatest() : migrator.migrateTo(until));
  if (error !== undefined) throw error;
}
