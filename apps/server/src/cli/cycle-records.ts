import { type CycleStatement, text } from "@ciclo/contract";
import { Refusal } from "../errors.ts";
import { connect } from "./client.ts";
import { type Command, command, option, required, UsageError } from "./command.ts";
import { getCycle, replayNotice } from "./cycles.ts";

/** A manifest whose signature holds. The packages for that are loaded when they are needed. */
async function verified(manifest: string, key: string): Promise<CycleStatement & { ok: true; head: string }> {
  const { verifyManifest } = await import("./manifest.ts");
  try {
    const statement = verifyManifest(manifest, key);
    return { ok: true, head: statement.predicate.head, ...statement };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Error ? error.message : "it cannot be checked";
    throw new Refusal(
      "invalid_payload",
      text(`The manifest does not hold: ${why}`, `O manifesto não se sustenta: ${why}`),
    );
  }
}

/** What is left of cycles: their results, and the manifests by which others check them. */
export const cycleRecordCommands: Command[] = [
  command({
    name: "cycle report",
    usage: "ciclo cycle report [--from TIME] [--to TIME]",
    summary:
      "What came of the cycles of the last 30 days, or of a stretch of time, by agent and model: how many were merged, what they cost and took, and how often an agent's word was wrong. `--json` has the fields of public leaderboards (score, cost_per_instance, average_runtime), and each cycle.",
    examples: ["ciclo cycle report", "ciclo cycle report --from 2026-11-01T00:00:00Z --json > results.json"],
    options: { from: { type: "string" }, to: { type: "string" } },
    takes: { min: 0, max: 0 },
    run({ values }) {
      const [from, to] = [option(values, "from"), option(values, "to")];
      return connect().call("getCycleResults", {
        query: { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
      });
    },
    show: ({ results, is_cut: isCut }) =>
      results.length === 0
        ? ["No cycles"]
        : [
            ...results.map((of) =>
              [
                `${of.agent ?? "no agent yet"} ${of.agent_version ?? ""}`.trimEnd(),
                of.model ?? "no model",
                ...(of.replay ? ["replay"] : []),
                of.score === null ? "none is over" : `${of.score.toFixed(1)} % merged`,
                `${of.resolved_instances} of ${of.total_instances}`,
                `${of.instances.some((one) => one.unknown_calls > 0) ? "≥ " : ""}${of.cost_per_instance.toFixed(4)} USD each`,
                `${of.average_runtime.toFixed(1)} s each`,
                `${of.average_tries.toFixed(1)} tries each`,
                `${of.false_greens_caught} false greens caught`,
              ].join("  "),
            ),
            ...(isCut ? ["These are the oldest; there were more: name a shorter time"] : []),
          ],
  }),
  command({
    name: "cycle manifest",
    usage: "ciclo cycle manifest ID",
    summary:
      "Print the signed manifest of a cycle that is completed: from each requirement to its test, commit, approval and cost, as a Sigstore bundle.",
    examples: ["ciclo cycle manifest sums-are-wrong-k7f3m2 > manifest.json"],
    takes: { min: 1, max: 1 },
    async run({ positionals: [id = ""] }) {
      const { evidence } = await getCycle(id);
      const found = evidence.findLast(({ name }) => name === "manifest.sigstore.json");
      if (found === undefined) throw new UsageError(`${id} has no manifest: it gets one when it is merged`);
      const { base64 } = await connect().call("getCycleEvidence", { params: { id, sha256: found.sha256 } });
      return JSON.parse(Buffer.from(base64, "base64").toString("utf8")) as Record<string, unknown>;
    },
  }),
  command({
    name: "cycle key",
    usage: "ciclo cycle key",
    summary:
      "Print the public key that this console signs manifests with. Hand it to whoever has to check them.",
    examples: ["ciclo cycle key > ciclo.pem"],
    takes: { min: 0, max: 0 },
    run: () => connect().call("getCycleKey"),
    show: ({ public_key: pem }) => [pem.trimEnd()],
  }),
  command({
    name: "cycle verify",
    usage: "ciclo cycle verify MANIFEST --key PEM",
    summary:
      "Check the manifest of a cycle without the console: that the key's owner signed it, and what it says. Compare its commit with that of the repository.",
    examples: ["ciclo cycle verify manifest.json --key ciclo.pem"],
    options: { key: { type: "string" } },
    takes: { min: 1, max: 1 },
    async run({ positionals: [file = ""], values, io }) {
      const [manifest, key] = [await io.readFile(file), await io.readFile(required(values, "key"))];
      return verified(manifest, key);
    },
    show: ({ head, predicate: { cycle, requirements, approvals, cost, replay } }) => [
      `signed, and whole: ${cycle.id}  ${cycle.title}`,
      ...(replay ? [replayNotice] : []),
      `${cycle.repository}  ${cycle.branch}  ${head}`,
      ...requirements.map(
        ({ id, text, tests }) => `${id}  ${text}  ${tests.map(({ name }) => name).join("; ") || "no test"}`,
      ),
      ...approvals.map(({ checkpoint, by, at }) => `${checkpoint} approved by ${by} at ${at}`),
      `${cost.usd.toFixed(4)} USD, ${cost.calls} calls`,
    ],
  }),
];
