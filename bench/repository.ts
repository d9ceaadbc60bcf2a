import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type PlanExecutionResult, type Role } from "@ciclo/contract";
import { createApp } from "../apps/server/src/app.ts";
import { readConfig } from "../apps/server/src/config.ts";
import { openSqliteDatabase } from "../apps/server/src/db/dialect.ts";
import { defaultContent } from "../apps/server/src/features/config-repo/default-content.ts";
import { system } from "../apps/server/src/domain/actor.ts";
import { createLogger } from "../apps/server/src/lib/logger.ts";
import { type Figures, median, timed } from "./measure.ts";

const rounds = 15;

/** Submit and approve, on a small and a large repository, against the same plumbing by hand. */
export async function measureRepository(): Promise<Figures> {
  const small = await measureSize(1000);
  const large = await measureSize(100_000);
  return {
    submit_1k_ms: small.submit,
    submit_100k_ms: large.submit,
    submit_100k_over_1k: large.submit / small.submit,
    submit_over_shell: large.submit / large.submitByHand,
    approve_1k_ms: small.approve,
    approve_100k_ms: large.approve,
    approve_100k_over_1k: large.approve / small.approve,
    approve_over_shell: large.approve / large.approveByHand,
    shell_submit_ms: large.submitByHand,
    shell_approve_ms: large.approveByHand,
  };
}

async function measureSize(files: number) {
  const home = mkdtempSync(join(tmpdir(), "ciclo-bench-"));
  const repository = join(home, "config.git");
  makeRepository(repository, files);
  const database = await openSqliteDatabase(join(home, "ciclo.db"));
  const config = readConfig({ CICLO_HOME: home, CICLO_LOG_LEVEL: "silent" });
  const services = await createApp({ config, database, logger: createLogger("silent") });
  const client = async (name: string, ...roles: Role[]) => {
    const { token } = await services.features.access.service.users.add(system, {
      name,
      email: `${name}@example.com`,
      roles,
    });
    const fetch = (path: string, init: RequestInit) =>
      Promise.resolve(services.app.request(path.replace("http://bench", ""), init));
    return createClient({ baseUrl: "http://bench", token, fetch });
  };
  const [author, approver] = [await client("author", "planner"), await client("approver", "approver")];
  const times = {
    submit: [] as number[],
    approve: [] as number[],
    submitByHand: [] as number[],
    approveByHand: [] as number[],
  };
  for (let round = 0; round < rounds; round += 1) {
    const payload = { agent_name: `agent-${round}`, capabilities: ["chat"] };
    const { plan, patch } = await author.call("plan", { body: { intent: "add_agent", payload } });
    const body = { plan, patch, actor: "author", actor_email: "author@example.com" };
    const submitted = await timed(() => author.call("apply", { body }));
    times.submit.push(submitted.ms);
    times.approve.push((await timed(() => approve(approver, submitted.result))).ms);
    times.submitByHand.push((await timed(() => byHand(home, repository, "submit", round))).ms);
    times.approveByHand.push((await timed(() => byHand(home, repository, "approve", round))).ms);
  }
  await database.close();
  return {
    submit: median(times.submit),
    approve: median(times.approve),
    submitByHand: median(times.submitByHand),
    approveByHand: median(times.approveByHand),
  };
}

const approve = (client: ReturnType<typeof createClient>, { approval_id }: PlanExecutionResult) =>
  client.call("apply", { body: { approval_id: approval_id ?? "", approval_decision: "approve" } });

/** The default content and as many files more, a hundred a folder. */
function makeRepository(folder: string, files: number): void {
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", folder]);
  const parts = ["commit refs/heads/main\ncommitter Bench <bench@example.com> 0 +0000\ndata 5\nstart\n"];
  const add = (path: string, contents: string): void => {
    parts.push(`M 100644 inline ${path}\ndata ${Buffer.byteLength(contents)}\n${contents}\n`);
  };
  for (const [path, contents] of defaultContent) add(path, contents);
  for (let file = 0; file < files; file += 1) {
    const group = Math.floor(file / 100);
    add(`generated/${Math.floor(group / 50)}/${group}/${file}.md`, `# ${file}\n`);
  }
  parts.push("done\n");
  execFileSync("git", ["--git-dir", folder, "fast-import", "--quiet", "--done"], { input: parts.join("") });
}

/** The plumbing of one submission or approval, as a person would script it. */
const scripts = {
  submit: `base=$(git rev-parse refs/heads/main)
git ls-tree -t -z $base -- agents agents/hand-$1 policies >/dev/null
commit=$(printf 'commit refs/ciclo/hand\\nmark :1\\nauthor A <a@example.com> 0 +0000\\ncommitter C <c@example.com> 0 +0000\\ndata 4\\nhand\\nfrom %s\\nM 100644 inline agents/hand-%s/agent.yaml\\ndata 11\\nname: hand-\\nM 100644 inline agents/hand-%s/README.md\\ndata 7\\n# hand\\n\\nget-mark :1\\ndone\\n' $base $1 $1 | git fast-import --quiet --done)
git update-ref -d refs/ciclo/hand
git diff-tree -p --stat $base $commit >/dev/null
git update-ref refs/heads/hand-$1 $commit 0000000000000000000000000000000000000000
`,
  approve: `base=$(git rev-parse refs/heads/main)
commit=$(git rev-parse refs/heads/hand-$1)
git diff-tree -r --name-only $base $commit >/dev/null
printf 'update refs/heads/main %s %s\\n' $commit $base | git update-ref --stdin
git update-ref -d refs/heads/hand-$1 $commit
`,
};

function byHand(home: string, repository: string, name: keyof typeof scripts, round: number): void {
  const folder = join(home, "scripts");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.sh`);
  writeFileSync(file, `set -e\nexport GIT_DIR=${repository}\n${scripts[name]}`);
  const { status, stderr } = spawnSync("sh", [file, String(round)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} by hand: ${stderr}`);
}
