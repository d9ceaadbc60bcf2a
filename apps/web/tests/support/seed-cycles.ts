import { createClient, type CycleDetail } from "@ciclo/contract";
import { stringify } from "yaml";
import { ensureBubblewrap } from "../../../server/tests/support/bubblewrap.ts";
import { pushFiles } from "../../../server/tests/support/config.ts";
import { executorOf, mends, policies, replying, shop } from "../../../server/tests/support/cycles/console.ts";
import { eventually } from "../../../server/tests/support/eventually.ts";
import { modelDouble } from "../../../server/tests/support/model-double.ts";
import { repositoryWith, type TestRepository } from "../../../server/tests/support/repository.ts";
import type { RunningConsole } from "./server.ts";

const issue = "# Sums are wrong\n\nsum(2, 2) is 0, and should be 4.";

/** What cycles need: a model for the phases, an agent, and a repository to work on. */
export async function allowCycles(
  { git, url, tokens }: RunningConsole,
  executor: Record<string, unknown> = executorOf([mends]),
  {
    files = shop,
    policy = {},
  }: { files?: Readonly<Record<string, string>>; policy?: Record<string, unknown> } = {},
): Promise<TestRepository> {
  ensureBubblewrap();
  const model = await modelDouble();
  model.answer = replying();
  const repository = await repositoryWith(files);
  pushFiles(git, {
    ...policies({ executor, ...policy }),
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
  // The endpoint takes the new providers in a moment after they have landed.
  const headers = { authorization: `Bearer ${tokens["root"] ?? ""}` };
  await eventually(
    () => fetch(`${url}/llm/openai/v1/models`, { headers }),
    ({ ok }) => ok,
  );
  return repository;
}

const clientOf = (server: RunningConsole, name: string) =>
  createClient({ baseUrl: server.url, token: server.tokens[name], locale: "en" });

const settled = (server: RunningConsole, id: string): Promise<CycleDetail> =>
  eventually(
    () => clientOf(server, "ana").call("getCycle", { params: { id } }),
    ({ state }) => state !== "running",
    // Tests in a browser take their time on a busy machine.
    180_000,
  );

const started = (server: RunningConsole, { folder }: TestRepository) =>
  clientOf(server, "ana").call("startCycle", { body: { repository: folder, issue } });

/** A cycle whose work is to be agreed to. */
export async function checkedCycle(server: RunningConsole, repository: TestRepository): Promise<CycleDetail> {
  const { id } = await started(server, repository);
  let at = await settled(server, id);
  for (; at.stage !== "check"; at = await settled(server, id)) {
    if (at.checkpoint === null) throw new Error(`${at.state} at ${at.stage}: ${at.reason}`);
    await clientOf(server, "root").call("decideCycle", {
      params: { id },
      body: { decision: "approve", subject: at.checkpoint.subject },
    });
  }
  if (at.checkpoint === null) throw new Error(`${at.state} at ${at.stage}: ${at.reason}`);
  return at;
}

/** Cycles at their checkpoints: one whose analysis is to be read, and one whose work is. */
export async function seedCycles(server: RunningConsole): Promise<{ analyzed: string; checked: string }> {
  const repository = await allowCycles(server);
  const analyzed = await started(server, repository);
  const checked = await checkedCycle(server, repository);
  await settled(server, analyzed.id);
  return { analyzed: analyzed.id, checked: checked.id };
}
