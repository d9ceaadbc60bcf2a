import {
  type IntentPayload,
  type Locale,
  type RegistryServer,
  registryServerSchema,
  type Text,
  text,
  type Validation,
} from "@ciclo/contract";
import { fieldError, invalidPayload, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import type { StepReport, OfferedTool } from "../../domain/servers.ts";
import { fieldErrors } from "../../lib/validation.ts";
import type { Credential } from "./credentials.ts";
import type { OnboardingDeps } from "./deps.ts";

/** What a handshake found, and the lock that it comes to; none where it failed. */
export type Validated = { validation: Validation; lock: Record<string, { hash: string }> | undefined };

/** Shakes hands with what a request describes, with the credentials it brought. */
export async function validate(
  deps: OnboardingDeps,
  payload: IntentPayload<"onboard_server">,
  credentials: readonly Credential[],
  locale: Locale,
): Promise<Validated> {
  const server = serverOf(payload);
  const given = new Map(credentials.map(({ reference, key }) => [reference, key?.value]));
  const values: Record<string, string> = {};
  for (const [name, reference] of Object.entries(payload.auth ?? {})) {
    const bare = bareReference(reference);
    const mine = given.get(reference);
    if (mine === undefined && !isSentThereAlready(deps.registered(), bare, server)) {
      return unproven(deps, onlyOnceApproved(bare), locale);
    }
    values[name] = reference.replace(bare, mine ?? (await deps.revealKey(bare)));
  }
  return shake(deps, server, values, locale);
}

/** An answer without a handshake, and why there was none. */
export function unproven(deps: OnboardingDeps, why: Text, locale: Locale): Validated {
  const step: StepReport = { step: "resolve", status: "failed", ms: null, detail: why };
  return { validation: deps.presentValidation([step], null, locale), lock: undefined };
}

/** `Bearer secret:a/B` → `secret:a/B`. */
export const bareReference = (reference: string): string => reference.slice(reference.indexOf("secret:"));

/**
 * Whether a stored key goes to a server's very place by the live configuration. Before somebody
 * approves it, a key goes nowhere else: whoever plans could have it sent to an address of their own. Pure.
 */
export const isSentThereAlready = (
  registered: readonly RegistryServer[],
  reference: string,
  { url, command, args = [] }: Pick<RegistryServer, "url" | "command" | "args">,
): boolean =>
  registered.some(
    (known) =>
      (url === undefined
        ? known.command === command && JSON.stringify(known.args ?? []) === JSON.stringify(args)
        : known.url !== undefined && new URL(known.url).origin === new URL(url).origin) &&
      Object.values({ ...known.env, ...known.headers }).some(
        (value) => value.includes("secret:") && bareReference(value) === reference,
      ),
  );

export const onlyOnceApproved = (reference: string): Text =>
  text(
    `${reference} is a stored key: it is sent to a new place only once somebody has approved that. Give the value itself to shake hands before`,
    `${reference} é uma chave guardada: só é enviada a um novo lugar depois que alguém o aprova. Informe o próprio valor para fazer o handshake antes`,
  );

/** Throws what policy refuses; a handshake that fails otherwise is an answer. */
export async function shake(
  deps: OnboardingDeps,
  server: RegistryServer,
  values: Readonly<Record<string, string>>,
  locale: Locale,
): Promise<Validated> {
  const steps = new Map<string, StepReport>();
  try {
    const found = await deps.handshake(server, values, { onStep: (step) => void steps.set(step.step, step) });
    return {
      validation: deps.presentValidation([...steps.values()], found, locale),
      lock: lockOf(found.tools),
    };
  } catch (error) {
    if (error instanceof Error && error.cause instanceof Refusal) throw error.cause;
    return { validation: deps.presentValidation([...steps.values()], null, locale), lock: undefined };
  }
}

const lockOf = (tools: readonly OfferedTool[]): Record<string, { hash: string }> =>
  Object.fromEntries(
    tools.flatMap(({ tool, hash, problem }) => (problem === null ? [[tool.name, { hash }]] : [])),
  );

function serverOf(payload: IntentPayload<"onboard_server">): RegistryServer {
  const { agent_name, endpoint, command, args, transport, auth } = payload;
  const isStdio = command !== undefined;
  const byAddress = /^wss?:/.test(endpoint ?? "") ? "websocket" : "streamable_http";
  const parsed = registryServerSchema.safeParse({
    id: agent_name,
    title: payload.title ?? agent_name,
    transport: transport ?? (isStdio ? "stdio" : byAddress),
    ...(endpoint === undefined ? {} : { url: endpoint }),
    ...(isStdio ? { command, args: args ?? [] } : {}),
    ...(auth === undefined ? {} : { [isStdio ? "env" : "headers"]: auth }),
  });
  if (!parsed.success) throw invalidPayload(fieldErrors(parsed.error));
  return parsed.data;
}

export const nothingToReach = (): Refusal =>
  invalidPayload([
    fieldError("endpoint", "give an endpoint or a command", "informe um endpoint ou um command"),
    fieldError("command", "give an endpoint or a command", "informe um endpoint ou um command"),
  ]);

/** A key that is stored already is not overwritten; the same value again is the same key. */
export async function refuseTakenKeys(
  deps: OnboardingDeps,
  credentials: readonly Credential[],
): Promise<void> {
  for (const { key } of credentials) {
    if (key === null) continue;
    const reference = `secret:${key.provider}/${key.name}`;
    if (!(await deps.hasKey(reference)) || (await deps.revealKey(reference)) === key.value) continue;
    throw new Refusal(
      "already_exists",
      text(
        `Key ${reference} is stored already, with another value. Refer to it as ${reference}, or rotate it`,
        `A chave ${reference} já está guardada, com outro valor. Use ${reference} ou rotacione-a`,
      ),
    );
  }
}

export async function storeKeys(
  deps: OnboardingDeps,
  actor: Actor,
  credentials: readonly Credential[],
): Promise<void> {
  for (const { key } of credentials) {
    if (key === null || (await deps.hasKey(`secret:${key.provider}/${key.name}`))) continue;
    await deps.addKey(actor, key);
  }
}
