import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@ciclo/contract";
import { stringify } from "yaml";
import { expect, it } from "vitest";
import { openSqliteDatabase } from "../../src/db/dialect.ts";
import { ensureBubblewrap } from "../support/bubblewrap.ts";
import { pushFiles } from "../support/config.ts";
import { executorOf, isRunning, mends, policies, replying, shop } from "../support/cycles/console.ts";
import { branches, git } from "../support/git.ts";
import { forgeToken, startForge } from "../support/forge-double.ts";
import { eventually } from "../support/eventually.ts";
import { rounds } from "../support/extent.ts";
import { modelDouble } from "../support/model-double.ts";
import { startProcess } from "../support/process.ts";
import { provision } from "../support/provision.ts";
import { repositoryWith } from "../support/repository.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { callsIn } from "../support/usage.ts";

it.each(["by a push", "by a pull request"])(
  "is carried on where it stood, whenever the console is killed, and merged %s: one set of commits, each call of its own",
  { timeout: 1_200_000 },
  async (how) => {
    ensureBubblewrap();
    const home = await temporaryFolder();
    const model = await modelDouble();
    model.answer = replying();
    const repository = await repositoryWith(shop);
    const bare = join(await temporaryFolder(), "shop.git");
    git(repository.folder, "clone", "--quiet", "--bare", repository.folder, bare);
    const forge = how === "by a push" ? null : await startForge("github", bare, "acme/shop");
    const address = forge === null ? bare : `${forge.url}/acme/shop.git`;
    const environment = {
      CICLO_HOME: home,
      ...(forge === null
        ? {}
        : { CICLO_FORGE: "github", CICLO_FORGE_URL: `${forge.url}/api/v3`, CICLO_FORGE_TOKEN: forgeToken }),
    };
    const first = await startProcess(environment);
    await first.stop();
    const { ana: token = "" } = await provision(environment, { ana: ["planner"] });
    pushFiles(join(home, "config.git"), {
      ...policies({
        checkpoints: [],
        repositories: ["**"],
        executor: executorOf([[{ do: "leave", command: "sleep 765432" }, ...mends]]),
      }),
      "policies/models.yaml": stringify({
        id: "models",
        kind: "models",
        title: "Models",
        providers: [{ id: "openai", dialect: "openai", url: `${model.url}/v1` }],
      }),
      "policies/network.yaml": stringify({
        id: "network",
        kind: "network",
        title: "Network",
        allow_hosts: ["*"],
        allow_private: true,
        require_tls: false,
      }),
    });
    const kills = rounds(3, 25);
    const ids: string[] = [];
    let server = await startProcess(environment);
    const client = () => createClient({ baseUrl: server.url, token, locale: "en" });
    const start = async (): Promise<void> => {
      const { id } = await eventually(
        () =>
          client()
            .call("startCycle", { body: { repository: address, issue: "# Sums are wrong" } })
            .catch(() => ({ id: "" })),
        (cycle) => cycle.id !== "",
      );
      ids.push(id);
    };
    await start();
    for (let kill = 0; kill < kills; kill += 1) {
      const id = ids.at(-1) ?? "";
      const last = await client().call("getCycle", { params: { id } });
      if (last.state !== "running") await start();
      // Somewhere in the second or so that each stage takes.
      await new Promise((resolve) => setTimeout(resolve, (kill * 397) % 2500));
      await server.killGroup();
      expect(isRunning("sleep 765432")).toBe(false);
      server = await startProcess(environment);
    }
    for (const id of ids) {
      const ended = await eventually(
        () => client().call("getCycle", { params: { id } }),
        ({ state, pull_request: pull }) =>
          state !== "running" && (state !== "completed" || forge === null || pull?.has_manifest === true),
        120_000,
      );
      expect([ended.state, ended.reason]).toEqual(["completed", null]);
      // What one cycle has brought is there once. The first of them mended the sums: the others had nothing to show.
      const subjects = git(bare, "log", "--format=%s", `--grep=Cycle: ${id}`, "main").split("\n");
      expect(subjects).toEqual(["docs: sums are wrong", "feat: add instead of subtracting"]);
      expect(branches(bare)).toContain(`ciclo/${id}`);
    }
    // One pull request each, merged once, with one manifest.
    expect(forge?.merges ?? ids.length).toBe(ids.length);
    expect((forge?.pulls ?? []).map(({ head, comments }) => `${head} ${comments.length}`).toSorted()).toEqual(
      forge === null ? [] : ids.map((id) => `ciclo/${id} 1`).toSorted(),
    );
    await server.stop();
    expect(isRunning("sleep 765432")).toBe(false);
    expect(readdirSync(join(home, "cycles/work"))).toEqual([]);
    const database = await openSqliteDatabase(join(home, "ciclo.db"));
    const rows = await callsIn(database.queries);
    // A call that was made again was made twice, and each is paid for once.
    expect(rows.length).toBeGreaterThanOrEqual(model.asked.length);
    expect(await database.queries.selectFrom("run_tokens").selectAll().execute()).toHaveLength(0);
    await database.close();
  },
);
