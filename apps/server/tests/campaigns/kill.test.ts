import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient, type Planned, ProblemError } from "@ciclo/contract";
import { describe, expect, it } from "vitest";
import { openConfigRepository } from "../../src/features/config-repo/repository.ts";
import { openDatabase } from "../../src/db/dialect.ts";
import { gitsOn } from "../../src/lib/git-processes.ts";
import { newToolsAllowed, openPolicies, pushFiles, registryOf } from "../support/config.ts";
import { startConsole } from "../support/console.ts";
import { newPostgresUrl } from "../support/databases.ts";
import { eventually } from "../support/eventually.ts";
import { fixture } from "../support/mcp/handshake.ts";
import { listen } from "../support/mcp/http-servers.ts";
import { spawnProcess } from "../support/process.ts";
import { processesWith } from "../support/processes.ts";
import { provision, verifyAudit } from "../support/provision.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { comeToRest, expectClean, outcomeOf } from "./outcome.ts";
import { report } from "./report.ts";
import { rounds } from "../support/extent.ts";
import { Workload } from "./workload.ts";

const kills = rounds(3, 200);
/** A console works for up to so long, in milliseconds. One in ten is killed while it starts. */
const longestLifeMs = rounds(2000, 3500);
const longestStartMs = 700;
/** Each is a process more, as long as the campaign lasts. */
const maxOnboarded = rounds(1, 5);

const allowed = /^(ciclo\.db(-wal|-shm)?|master\.key|config\.git|audit|servers|console\.(lock|json))$/;

/** GitLab's token rotation, which revokes the old token at once. */
async function gitLab() {
  const state = { token: "glpat-0", rotations: 0 };
  const { url } = await listen((request, response) => {
    const isKnown = request.headers["private-token"] === state.token;
    if (isKnown && request.method === "POST") {
      state.rotations += 1;
      state.token = `glpat-${state.rotations}`;
    }
    response.writeHead(isKnown ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(isKnown ? { token: state.token, expires_at: "2099-01-01" } : {}));
  }, "");
  return { url, state };
}

/** Runs a piece of a person's work over and over; a refusal or a connection that breaks ends that piece. */
async function repeat(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ProblemError) && !(error instanceof TypeError)) throw error;
      await pause(signal);
    }
  }
}

/** What cannot go on just now is tried again a little later. */
async function pause(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise((resolve) => setTimeout(resolve, 50));
}

describe.each([
  ["SQLite", () => Promise.resolve({})],
  ["PostgreSQL", async () => ({ CICLO_DATABASE_URL: await newPostgresUrl() })],
])("the process group is killed at random moments, on %s", (name, database) => {
  it(
    "nothing acknowledged is lost, nothing is done twice, nothing stays",
    { timeout: 1_800_000 },
    async () => {
      const home = await temporaryFolder();
      const environment: Record<string, string> = {
        CICLO_HOME: home,
        CICLO_MASTER_KEY: randomBytes(32).toString("hex"),
        CICLO_LOG_LEVEL: "error",
        ...(await database()),
      };
      const tokens = await provision(environment, {
        author: ["planner"],
        approver: ["approver", "planner"],
      });
      await openConfigRepository({ home, source: undefined, branch: "main" });
      const repository = join(home, "config.git");
      const mark = `mark-${randomUUID()}`;
      pushFiles(repository, {
        ...openPolicies(),
        ...newToolsAllowed,
        "mcp-registry.yaml": registryOf([{ ...fixture(mark), env: { TOKEN: "secret:hub/TOKEN" } }]),
      });
      let url: string | null = null;
      const as = (who: "author" | "approver"): Client => {
        if (url === null) throw new TypeError("fetch failed: no console runs");
        return createClient({ baseUrl: url, token: tokens[who] });
      };
      const issuer = await gitLab();
      const people = new AbortController();

      /** Values that the key may have: the last that was acknowledged, and those asked for since. */
      let possible = ["value-0"];
      let rotations = 0;
      let cutOff = 0;
      const ended = (id: string) =>
        eventually(
          () => as("approver").call("getRotation", { params: { id } }),
          ({ status }) => status !== "running",
        );
      const rotate = async (): Promise<void> => {
        const value = `value-${randomBytes(4).toString("hex")}`;
        possible.push(value);
        const params = { provider: "hub", name: "TOKEN" };
        const { id } = await as("approver").call("rotateKey", { params, body: { value } });
        if ((await ended(id)).status === "promoted") {
          possible = [value];
          rotations += 1;
        }
      };
      const renew = async (): Promise<void> => {
        const params = { provider: "gitlab", name: "TOKEN" };
        const { items } = await as("approver").call("listKeys");
        const key = items.find(({ provider }) => provider === "gitlab");
        if (key?.renewal_problem?.includes("is good no more") === true) {
          // As a person would who reads that: a new value from the issuer.
          const body = { value: issuer.state.token, force: true };
          await ended((await as("approver").call("rotateKey", { params, body })).id);
          cutOff += 1;
        } else {
          await ended((await as("approver").call("renewKey", { params })).id);
        }
      };
      let onboarded = 0;
      /** A server on its way in. It takes several steps, and a kill between two of them is no reason to begin again. */
      let onboarding: Planned | null = null;
      const onboard = async (): Promise<void> => {
        if (onboarded === maxOnboarded) return pause(people.signal);
        const { command = "", args = [] } = fixture(mark);
        const agent_name = `more-${onboarded}`;
        const body = { intent: "plan", agent_name, repository: "more", command, args } as const;
        const { plan, patch } = onboarding ?? (await as("author").call("onboard", { body }));
        if (plan === undefined || patch === undefined) return;
        onboarding = { plan, patch } as Planned;
        const change = await changeOf(plan.id);
        if (change === null) {
          await as("author").call("apply", {
            body: { plan, patch, actor: "author", actor_email: "author@example.com" },
          });
        } else if (change.outcome !== null) {
          onboarding = null;
          if (change.outcome === "applied") onboarded += 1;
        } else if (change.status === "hitl_required") {
          await as("approver").call("apply", {
            body: { approval_id: change.approval_id ?? "", approval_decision: "approve" },
          });
        } else await pause(people.signal);
      };
      const changeOf = async (plan_id: string) => {
        try {
          return await as("author").call("getChange", { params: { plan_id } });
        } catch (error) {
          if (error instanceof ProblemError && error.problem.status === 404) return null;
          throw error;
        }
      };

      const load = new Workload({
        urls: () => (url === null ? [] : [url]),
        tokens: { author: tokens.author ?? "", approver: tokens.approver ?? "" },
        atOnce: 3,
      });
      const prepare = spawnProcess(environment);
      url = await prepare.listening;
      await as("author").call("addKey", { body: { provider: "hub", name: "TOKEN", value: "value-0" } });
      await as("author").call("addKey", { body: { provider: "gitlab", name: "TOKEN", value: "glpat-0" } });
      await as("approver").call("setKeyRenewal", {
        params: { provider: "gitlab", name: "TOKEN" },
        body: { renewal: { provider: "gitlab", url: issuer.url } },
      });
      url = null;
      await prepare.stop();
      load.start();
      const others = [rotate, renew, onboard].map((work) =>
        repeat(people.signal, work).catch((error: unknown) => {
          if (!people.signal.aborted) throw error;
        }),
      );

      for (let count = 0; count < kills; count += 1) {
        const console_ = spawnProcess(environment);
        const isStarting = count % 10 === 9;
        if (!isStarting) url = await console_.listening;
        const lifeMs = Math.random() * (isStarting ? longestStartMs : longestLifeMs);
        await new Promise((resolve) => setTimeout(resolve, lifeMs));
        url = null;
        await console_.killGroup();
      }

      const last = spawnProcess(environment);
      url = await last.listening;
      await load.stop();
      people.abort(new Error("done"));
      await Promise.all(others);
      await comeToRest(as("author"), last.output);
      const outcome = await outcomeOf({ url, token: tokens.author ?? "", repository, changes: load.changes });
      url = null;
      await last.stop();

      const store = await openDatabase({ url: environment.CICLO_DATABASE_URL, file: join(home, "ciclo.db") });
      const unfinished = await store.queries
        .selectFrom("operations")
        .select(["plan_id", "kind", "last_error"])
        .where("status", "=", "running")
        .execute();
      const rotating = await store.queries
        .selectFrom("key_versions")
        .select(["provider", "state"])
        .where("state", "=", "staged")
        .execute();
      const after = await startConsole({
        database: store,
        config: { home, masterKey: environment.CICLO_MASTER_KEY },
      });
      const ring = await after.keys.ring();
      const value = await ring.reveal("secret:hub/TOKEN");
      const token = await ring.reveal("secret:gitlab/TOKEN");
      const renewed = (await after.keys.list("en")).find(({ provider }) => provider === "gitlab");
      const files = readdirSync(home).filter((file) => !allowed.test(file));
      report(`process group killed, ${name}`, {
        kills,
        acknowledged: load.acknowledged,
        rotations,
        renewals: issuer.state.rotations,
        renewals_cut_off_and_named: cutOff,
        onboarded,
        ...outcome,
      });
      expect(unfinished).toEqual([]);
      expect(rotating).toEqual([]);
      expect(possible).toContain(value);
      // Where the only good value died with the process that had just received it, that is said.
      if (token !== issuer.state.token) expect(renewed?.renewal_problem).not.toBeNull();
      expect(files).toEqual([]);
      expect(gitsOn(repository, Date.now())).toEqual([]);
      expect(processesWith(mark)).toEqual([]);
      expectClean(outcome);
      expect(await verifyAudit(environment)).toMatchObject({ ok: true });
    },
  );
});
