import { type CycleStage, type PolicyOf, text } from "@ciclo/contract";
import type { BackgroundWork, Feature } from "../../domain/feature.ts";
import { stamp } from "../../lib/clock.ts";
import { Tasks, Worker } from "../../lib/background.ts";
import type { EventBus } from "../../lib/events.ts";
import { attachmentsOf } from "./attachments.ts";
import { Driver } from "./driver.ts";
import { createManifestSigner } from "./evidence/signer.ts";
import { voidPermissionsOf } from "./permissions-store.ts";
import { Publishing, type PublishingDeps } from "./publishing.ts";
import { Repositories, type RepositoriesDeps } from "./repositories.ts";
import { cyclesRoutes } from "./routes.ts";
import { createCyclesService, type CyclesService, type CyclesServiceDeps } from "./service.ts";
import { analyzeStage } from "./stages/analyze.ts";
import type { Stage } from "./stage.ts";
import type { AskModel } from "./stages/ask.ts";
import type { Requester } from "./stages/common.ts";
import type { CheckDeps } from "./stages/check.ts";
import { documentStage } from "./stages/document.ts";
import { type ExecuteDeps, executeStage } from "./stages/execute.ts";
import { mergeStage } from "./stages/merge.ts";
import { planStage } from "./stages/plan.ts";
import { prepareStage } from "./stages/prepare.ts";
import { Workplace, type WorkplaceDeps } from "./workplace.ts";

export type CyclesDeps = Pick<CheckDeps, "outbound"> &
  Omit<CyclesServiceDeps, "allowed" | "diffOf" | "dropCopies" | "halt" | "wake" | "publish"> &
  Pick<PublishingDeps, "exclusively" | "forgeFor" | "pageOf"> &
  RepositoriesDeps &
  WorkplaceDeps &
  Pick<ExecuteDeps, "withRunToken" | "listenToCalls" | "answer" | "findProgram" | "program"> & {
    /** By which nodes tell each other apart. */
    node: string;
    bus: Pick<EventBus, "on">;
    /** 32 bytes, the same on all nodes: manifests are signed with a key made of them. */
    signingSeed: Buffer;
    ask: AskModel;
    requester: Requester;
    policy(): Promise<PolicyOf<"cycles"> | null>;
    logger: ConstructorParameters<typeof Tasks>[0] & WorkplaceDeps["logger"];
  };

/** How soon a cycle is taken up that another node, or a crash, left behind. */
const lookEveryMs = 2000;

/** Delivery cycles: from an issue to a change of a repository that people agreed to, each step shown and not believed. */
export function createCycles(deps: CyclesDeps): Feature<CyclesService> {
  const repositories = new Repositories(deps);
  const workplace = new Workplace(deps);
  const now = (): string => stamp(deps.clock());
  const signer = createManifestSigner(deps.signingSeed);
  const attachments = (id: string) => attachmentsOf(deps.queries, id);
  const own = { ...deps, repositories, workplace, now, signer, attachmentsOf: attachments };
  const driver = new Driver({
    ...deps,
    async before({ repository, base_commit: base, head_commit: head, stage }, policy, signal) {
      const address = await repositories.allowed(repository, policy);
      const needed = stage === "document" || stage === "check" || stage === "merge" ? [base, head] : [base];
      for (const commit of needed) if (commit !== null) await repositories.ensure(address, commit, signal);
    },
    stages: stagesOf(own),
  });
  const tasks = new Tasks(deps.logger);
  const carrying = new Worker({
    name: text("delivery cycles", "os ciclos de entrega"),
    logger: deps.logger,
    everyMs: lookEveryMs,
    pass: () => driver.takeUp(tasks.signal, (run) => tasks.run("cycle", run)),
  });
  const publishing = new Publishing({ ...deps, repositories, wake: () => carrying.wake() });
  const publisher = new Worker({
    name: text("branches and pull requests of cycles", "branches e pull requests de ciclos"),
    logger: deps.logger,
    everyMs: lookEveryMs,
    pass: (signal) => publishing.pass(signal),
  });
  const service = createCyclesService({
    ...deps,
    allowed: (repository, policy) => repositories.allowed(repository, policy),
    diffOf: (repository, base, head) => repositories.diff(repository, base, head),
    dropCopies: (but) => repositories.dropCopies(but),
    halt: (id) => driver.halt(id),
    wake: () => carrying.wake(),
    publish: () => publisher.wake(),
  });
  deps.bus.on("audit.appeared", async ({ actions }) => {
    if (actions.some((action) => action === "run.raised" || action === "run.rerouted")) await service.uncap();
  });
  deps.bus.on("forge.moved", ({ branch }) => {
    publishing.forget(branch);
    publisher.wake();
  });
  const workers: BackgroundWork = {
    async start() {
      await voidPermissionsOf(deps.queries, deps.node, now());
      await workplace.clear();
      await carrying.start();
      await publisher.start();
    },
    async stop() {
      await publisher.stop();
      await carrying.stop();
      await tasks.stop();
      await workplace.tidied();
    },
    troubles: () => [...carrying.troubles(), ...publisher.troubles()],
  };
  return { service, routes: (mount) => cyclesRoutes(mount, service, signer.key), workers };
}

type StageDeps = Parameters<typeof analyzeStage>[0] &
  Parameters<typeof planStage>[0] &
  ExecuteDeps &
  CheckDeps &
  Parameters<typeof documentStage>[0] &
  Parameters<typeof mergeStage>[0];

const stagesOf = (deps: StageDeps): Record<CycleStage, Stage> => ({
  prepare: prepareStage(deps),
  analyze: analyzeStage(deps),
  plan: planStage(deps),
  execute: executeStage(deps),
  document: documentStage(deps),
  // Loaded when it is needed, with the parsers of reports: a console starts more often than gates run.
  check: async (turn) => (await import("./stages/check.ts")).checkStage(deps)(turn),
  merge: mergeStage(deps),
});
