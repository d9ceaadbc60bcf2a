import { type IntentPayload, policyKinds, text } from "@ciclo/contract";
import { fieldError, invalidPayload, type LocalFieldError } from "../../../errors.ts";
import { type Draft, type DraftInput, writeStep } from "../draft.ts";
import type { Json, JsonObject } from "../json.ts";
import { mergePatchYaml, writeYaml } from "../yaml-edit.ts";

type Payload = IntentPayload<"edit_policies">;

/** Changes a policy by merge patch, or creates one. */
export function draftEditPolicies({ payload, snapshot }: DraftInput<"edit_policies">): Draft {
  const id = payload.policy_id;
  const path = `policies/${id}.yaml`;
  const source = snapshot.files.get(path)?.source;
  const errors = unusable(payload, source !== undefined, [...snapshot.policies.keys()]);
  if (errors.length > 0) throw invalidPayload(errors);
  const changes = (payload.changes ?? {}) as JsonObject;
  const contents =
    source === undefined
      ? writeYaml({
          id,
          kind: changes.kind as Json,
          title: id,
          ...(typeof changes.kind === "string" ? startingValues[changes.kind] : {}),
          ...changes,
        })
      : mergePatchYaml(source, changes);
  const fields = leafPaths(changes).join(", ");
  const news = leafPaths(changes)
    .map((field) => withValue(field, changes))
    .join(", ");
  const summary =
    source === undefined
      ? text(`Create policy ${id}`, `Criar a política ${id}`)
      : text(`Change policy ${id}: ${news}`, `Alterar a política ${id}: ${news}`);
  return {
    name: `edit-policies-${id}`,
    summary,
    steps: [
      writeStep(
        "write-policy",
        text("Write the policy", "Escrever a política"),
        text(
          "Sets the fields named; comments and order stay as they are.",
          "Define os campos indicados; comentários e ordem permanecem.",
        ),
        { path, contents },
      ),
    ],
    fileSummaries: new Map([[path, summary]]),
    searchFor: `${id} ${fields} policy`,
  };
}

/** A field with what it is set to, where that is short: two changes of one field are told apart. */
function withValue(field: string, changes: JsonObject): string {
  const value = field
    .split(".")
    .reduce<unknown>((inner, key) => (inner as JsonObject | null)?.[key], changes);
  const isShort =
    typeof value === "number" ||
    typeof value === "boolean" ||
    (typeof value === "string" && value.length <= 40);
  return isShort ? `${field} → ${value}` : field;
}

/** What a new policy of a kind starts with where nothing is said. */
const startingValues: Record<string, JsonObject> = {
  budget: { on_exceeded: "ask" },
  access: { default: "deny" },
  network: { allow_hosts: [], allow_private: false, require_tls: true },
  commands: { allow: [] },
};

function unusable(payload: Payload, exists: boolean, known: string[]): LocalFieldError[] {
  const list = known.join(", ");
  if (!exists && payload.create !== true) {
    return [
      fieldError(
        "policy_id",
        `no policy ${payload.policy_id}; there are: ${list}. To make it, send create: true`,
        `a política ${payload.policy_id} não existe; há: ${list}. Para criá-la, envie create: true`,
      ),
    ];
  }
  if (exists && payload.create === true) {
    return [
      fieldError(
        "create",
        `policy ${payload.policy_id} exists already; leave create out to change it`,
        `a política ${payload.policy_id} já existe; omita create para alterá-la`,
      ),
    ];
  }
  const kind = payload.changes?.kind;
  if (!exists && (typeof kind !== "string" || !(policyKinds as string[]).includes(kind))) {
    const kinds = policyKinds.join(", ");
    return [fieldError("changes.kind", `one of: ${kinds}`, `um de: ${kinds}`)];
  }
  if (exists && Object.keys(payload.changes ?? {}).length === 0) {
    return [fieldError("changes", "is required", "é obrigatório")];
  }
  return [];
}

/** `limits.monthly_usd` for each leaf of a merge patch. */
function leafPaths(changes: JsonObject, above = ""): string[] {
  return Object.entries(changes).flatMap(([key, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? leafPaths(value, `${above}${key}.`)
      : [`${above}${key}`],
  );
}
