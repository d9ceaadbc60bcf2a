import {
  type ClientConfiguration,
  type Imported,
  intentPayloads,
  type IntentPayload,
  type Locale,
  type McpClient,
  type Onboarded,
  type Onboarding,
  type Planned,
  text,
  type Validation,
} from "@ciclo/contract";
import { fieldError, invalidPayload } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import type { PlanInput } from "../../domain/plans.ts";
import type { JudgedTool } from "../../domain/servers.ts";
import { writeClientFile } from "./client-files.ts";
import { type Credential, credentialsFrom } from "./credentials.ts";
import type { OnboardingDeps } from "./deps.ts";
import { nothingToReach, offerKeys, refuseTakenKeys, unproven, validate } from "./handshake.ts";
import { gatewayOf, importFile, type ImportRequest, inLanguage } from "./import-file.ts";
import { slugFrom } from "./names.ts";

export type OnboardingService = {
  /** Plans any request; one about servers with what a handshake finds now. */
  plan(actor: Actor, input: PlanInput): Promise<Planned>;
  onboard(actor: Actor, request: Onboarding, locale: Locale): Promise<Onboarded>;
  importFile(actor: Actor, request: ImportRequest, origin: string, locale: Locale): Promise<Imported>;
  exportFile(
    client: McpClient,
    server: string | undefined,
    origin: string,
    locale: Locale,
  ): ClientConfiguration;
  acceptTools(
    actor: Actor,
    serverId: string,
    tools: readonly string[] | undefined,
    locale: Locale,
  ): Promise<Planned>;
};

export function createOnboardingService(deps: OnboardingDeps): OnboardingService {
  const acceptTools = async (
    actor: Actor,
    serverId: string,
    names: readonly string[] | undefined,
    input: Omit<PlanInput, "intent" | "payload">,
  ): Promise<Planned> => {
    const { link } = deps.findServer(serverId) ?? deps.refuseUnknownServer(serverId);
    const tools = acceptable(link.tools, names);
    return deps.plan(actor, { ...input, intent: "accept_tools", payload: { server: serverId, tools } });
  };
  return {
    async plan(actor, input) {
      if (input.intent === "onboard_server") {
        const parsed = intentPayloads.onboard_server.safeParse(input.payload);
        if (!parsed.success || parsed.data.lock !== undefined) return deps.plan(actor, input);
        return (await planOnboarding(deps, actor, parsed.data, input)).planned;
      }
      const { server, tools } = (input.payload ?? {}) as { server?: unknown; tools?: unknown };
      return input.intent === "accept_tools" && typeof server === "string" && tools === undefined
        ? acceptTools(actor, server, undefined, input)
        : deps.plan(actor, input);
    },
    onboard: (actor, request, locale) => onboard(deps, actor, request, locale),
    importFile: (actor, request, origin, locale) => importFile(deps, actor, request, origin, locale),
    exportFile(client, server, origin, locale) {
      if (server !== undefined && deps.findServer(server) === undefined) deps.refuseUnknownServer(server);
      return inLanguage(writeClientFile(client, gatewayOf(origin, server)), locale);
    },
    acceptTools: (actor, serverId, tools, locale) => acceptTools(actor, serverId, tools, { locale }),
  };
}

async function onboard(
  deps: OnboardingDeps,
  actor: Actor,
  request: Onboarding,
  locale: Locale,
): Promise<Onboarded> {
  const { intent, auth = {}, threadId, ...rest } = request;
  const agent_name = request.agent_name ?? slugFrom(request.repository);
  const credentials = credentialsFrom(agent_name, auth);
  if (rest.endpoint === undefined && rest.command === undefined && intent === "validate")
    throw nothingToReach();
  const references = Object.fromEntries(credentials.map(({ name, reference }) => [name, reference]));
  const payload = { ...rest, agent_name, ...(credentials.length === 0 ? {} : { auth: references }) };
  if (intent === "validate") {
    return { validation: (await validate(deps, actor, payload, credentials, locale)).validation };
  }
  await refuseTakenKeys(deps, credentials);
  const { planned, validation } = await planOnboarding(
    deps,
    actor,
    payload,
    { locale, threadId },
    credentials,
  );
  await offerKeys(deps, actor, planned, credentials);
  return { validation, ...planned };
}

/** A handshake, and the plan with the tools that it found. One that fails leaves a plan that says so. */
async function planOnboarding(
  deps: OnboardingDeps,
  actor: Actor,
  payload: IntentPayload<"onboard_server">,
  input: Omit<PlanInput, "intent" | "payload">,
  credentials: readonly Credential[] = [],
): Promise<{ planned: Planned; validation: Validation }> {
  const reachable = payload.endpoint !== undefined || payload.command !== undefined;
  const { validation, lock } = reachable
    ? await validate(deps, actor, payload, credentials, input.locale)
    : unproven(deps, unreached, input.locale);
  const planned = await deps.plan(actor, {
    ...input,
    intent: reachable ? "onboard_server" : "add_agent",
    payload: reachable ? { ...payload, ...(lock === undefined ? {} : { lock }) } : payload,
  });
  return { planned, validation };
}

const unreached = text(
  "Neither endpoint nor command was given, so there is nothing to shake hands with",
  "Nem endpoint nem command foi informado, então não há com quem fazer o handshake",
);

/** What accepting puts in the lock: hashes as offered now, null for what is gone. */
function acceptable(
  tools: readonly JudgedTool[],
  names: readonly string[] | undefined,
): Record<string, { hash: string } | null> {
  const open = tools.filter(
    ({ state, isPartial }) => isPartial || state === "new" || state === "changed" || state === "missing",
  );
  const unknown = (names ?? []).filter((name) => !open.some((tool) => tool.name === name));
  if (unknown.length > 0 || open.length === 0) {
    const list = open.map(({ name }) => name).join(", ");
    throw invalidPayload([
      fieldError(
        "tools",
        open.length === 0
          ? "nothing to accept: all tools are as approved, or cannot be"
          : `${unknown.join(", ")}: nothing to accept; there is: ${list}`,
        open.length === 0
          ? "nada a aceitar: todas as ferramentas estão como aprovadas, ou não podem ser aceitas"
          : `${unknown.join(", ")}: nada a aceitar; há: ${list}`,
      ),
    ]);
  }
  const chosen = open.filter(({ name }) => names === undefined || names.includes(name));
  return Object.fromEntries(
    chosen.map(({ name, offered }) => [name, offered === null ? null : { hash: offered.hash }]),
  );
}
