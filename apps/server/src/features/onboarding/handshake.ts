import {
  type IntentPayload,
  type Locale,
  type Planned,
  type RegistryServer,
  registryServerSchema,
  type Text,
  text,
  type Validation,
} from "@ciclo/contract";
import { fieldError, invalidPayload, NotBeforeApproval, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import { destinationOf, type KeyUse, keyUsesOf } from "../../domain/key-uses.ts";
import type { StepReport, OfferedTool } from "../../domain/servers.ts";
import { fieldErrors } from "../../lib/validation.ts";
import type { Credential } from "./credentials.ts";
import type { OnboardingDeps } from "./deps.ts";

/** What a handshake found, and the lock that it comes to; none where it failed. */
export type Validated = {
  validation: Validation;
  lock: Record<string, { hash: string }> | undefined;
  /** Why there was no handshake; null where there was one. */
  held: Text | null;
};

/** Shakes hands with what a request describes, with the credentials it brought. */
export const validate = (
  deps: OnboardingDeps,
  actor: Actor,
  payload: IntentPayload<"onboard_server">,
  credentials: readonly Credential[],
  locale: Locale,
): Promise<Validated> => shake(deps, actor, serverOf(payload), credentials, locale);

/** An answer without a handshake, and why there was none. */
export function unproven(deps: OnboardingDeps, why: Text, locale: Locale): Validated {
  const step: StepReport = { step: "resolve", status: "failed", ms: null, detail: why };
  return { validation: deps.presentValidation([step], null, locale), lock: undefined, held: why };
}

/**
 * Whether a stored key goes to this very place by the live configuration: the same address, with the same headers. Before
 * somebody approves it, a key goes nowhere else: whoever plans could have it sent to an address of their own. A process
 * gets none at all: what it does with one is not told by its command line. Pure.
 */
const isSentThereAlready = (
  registered: readonly RegistryServer[],
  server: RegistryServer,
  use: KeyUse,
): boolean =>
  server.url !== undefined &&
  registered.some(
    (known) =>
      known.url !== undefined &&
      headersOf(known) === headersOf(server) &&
      keyUsesOf(known).some(
        (each) =>
          each.reference === use.reference && destinationOf(known, each) === destinationOf(server, use),
      ),
  );

/** All of them: one that names another host sends the request on. */
const headersOf = ({ headers = {} }: RegistryServer): string =>
  JSON.stringify(
    Object.entries(headers)
      .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
      .toSorted((a, b) => a.localeCompare(b)),
  );

const onlyOnceApproved = (reference: string): Text =>
  text(
    `${reference} is a stored key: it is sent to a new place only once somebody has approved that. Give the value itself to shake hands before`,
    `${reference} é uma chave guardada: só é enviada a um novo lugar depois que alguém o aprova. Informe o próprio valor para fazer o handshake antes`,
  );

/**
 * Shakes hands with a server before anybody has approved it, with keys that came along, and stored ones where they are sent
 * already. Throws what policy refuses; a handshake that fails otherwise is an answer.
 */
export async function shake(
  deps: OnboardingDeps,
  actor: Actor,
  server: RegistryServer,
  credentials: readonly Credential[],
  locale: Locale,
): Promise<Validated> {
  // Before anything of it is recorded or run.
  const problems = deps.serverProblems(server);
  if (problems.length > 0) throw invalidPayload(problems);
  const given = new Map(
    credentials.flatMap(({ key }) =>
      key === null ? [] : [[`secret:${key.provider}/${key.name}`, key.value]],
    ),
  );
  const registered = deps.registered();
  const held = keyUsesOf(server).find(
    (use) => !given.has(use.reference) && !isSentThereAlready(registered, server, use),
  );
  if (held !== undefined) return unproven(deps, onlyOnceApproved(held.reference), locale);
  const reveal = async (reference: string): Promise<string> =>
    given.get(reference) ?? (await deps.revealKey(reference));
  const steps = new Map<string, StepReport>();
  try {
    const onStep = (step: StepReport): void => void steps.set(step.step, step);
    const found = await deps.handshake(actor, server, reveal, { onStep });
    return {
      validation: deps.presentValidation([...steps.values()], found, locale),
      lock: lockOf(found.tools),
      held: null,
    };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const cause = error instanceof Error ? error.cause : null;
    if (cause instanceof NotBeforeApproval) return unproven(deps, cause.detail, locale);
    if (cause instanceof Refusal) throw cause;
    return {
      validation: deps.presentValidation([...steps.values()], null, locale),
      lock: undefined,
      held: null,
    };
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

/** Keeps new keys with their plan: they are stored when it is submitted. */
export async function offerKeys(
  deps: OnboardingDeps,
  actor: Actor,
  { plan }: Planned,
  credentials: readonly Credential[],
): Promise<void> {
  const fresh = [];
  for (const { key } of credentials)
    if (key !== null && !(await deps.hasKey(`secret:${key.provider}/${key.name}`))) fresh.push(key);
  if (fresh.length > 0) await deps.offerKeys(actor, plan.id, fresh);
}
