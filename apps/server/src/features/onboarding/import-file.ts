import {
  type ClientConfiguration,
  type Imported,
  type Locale,
  type McpClient,
  type Text,
  text,
  type Validation,
} from "@ciclo/contract";
import { fieldError, invalidPayload, Refusal } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import { readClientFile, writeClientFile } from "./client-files.ts";
import type { OnboardingDeps } from "./deps.ts";
import { offerKeys, refuseTakenKeys, shake, type Validated, unproven } from "./handshake.ts";
import { entryOf, type Translated, translate } from "./import.ts";

export type ImportRequest = {
  client: McpClient;
  contents: string;
  servers?: string[] | undefined;
  threadId?: string | undefined;
};

const handshakesAtOnce = 4;

/** The gateway's own route, or the one of a server. */
export const gatewayOf = (origin: string, server?: string) => ({
  name: server ?? "ciclo",
  url: `${origin}/mcp${server === undefined ? "" : `/${server}`}`,
});

export const inLanguage = (
  file: ReturnType<typeof writeClientFile>,
  locale: Locale,
): ClientConfiguration => ({
  ...file,
  notes: file.notes.map((note) => note[locale]),
});

type Outcome = { name: string; id: string; why: Text | null; taken: Taken | null };
type Taken = { translated: Translated; validation: Validation; lock: Validated["lock"] };

/** Plans the servers of a client's file that can be taken over; says why of the others. */
export async function importFile(
  deps: OnboardingDeps,
  actor: Actor,
  request: ImportRequest,
  origin: string,
  locale: Locale,
): Promise<Imported> {
  const file = readClientFile(request.client, request.contents);
  const wanted = [...file.servers].filter(([name]) => request.servers?.includes(name) ?? true);
  refuseMissing(request.servers ?? [], file.servers);
  const outcomes: Outcome[] = [];
  for (let from = 0; from < wanted.length; from += handshakesAtOnce) {
    const some = wanted.slice(from, from + handshakesAtOnce);
    const taken = await Promise.all(
      some.map(([name, entry]) => takeOver(deps, actor, translate(name, entry), locale)),
    );
    outcomes.push(...taken);
  }
  dropDoubles(outcomes);
  const taken = outcomes.flatMap((outcome) => (outcome.taken === null ? [] : [outcome.taken]));
  const planned =
    taken.length === 0
      ? null
      : await deps.plan(actor, {
          intent: "import_servers",
          payload: { servers: taken.map(({ translated, lock }) => entryOf(translated, lock)) },
          threadId: request.threadId,
          locale,
        });
  const keys = taken.flatMap(({ translated }) => translated.credentials);
  if (planned !== null) await offerKeys(deps, actor, planned, keys);
  const moved = new Set(taken.map(({ translated }) => translated.name));
  return {
    servers: outcomes.map((outcome) => presentOutcome(outcome, locale)),
    planned,
    rewritten: inLanguage(writeClientFile(request.client, gatewayOf(origin), { file, moved }), locale),
  };
}

function refuseMissing(names: readonly string[], servers: ReadonlyMap<string, unknown>): void {
  const missing = names.filter((name) => !servers.has(name));
  if (missing.length === 0) return;
  const [list, known] = [missing.join(", "), [...servers.keys()].join(", ")];
  throw invalidPayload([
    fieldError(
      "servers",
      `not in the file: ${list}; there are: ${known}`,
      `não estão no arquivo: ${list}; há: ${known}`,
    ),
  ]);
}

/** Whether a translated entry can be planned, with what its handshake found. */
async function takeOver(
  deps: OnboardingDeps,
  actor: Actor,
  translated: ReturnType<typeof translate>,
  locale: Locale,
): Promise<Outcome> {
  const { name, id } = translated;
  const skip = (why: Text): Outcome => ({ name, id, why, taken: null });
  if ("why" in translated) return skip(translated.why);
  if (deps.findServer(id) !== undefined)
    return skip(text(`${id} is registered already`, `${id} já está registrado`));
  // Whatever else is said of it: one entry that no plan may hold must not take the others with it.
  const [problem] = deps.serverProblems(translated.server);
  if (problem !== undefined) return skip(problem.message);
  const forbidden = await deps.policyProblem(translated.server);
  if (forbidden !== null) return skip(forbidden);
  const [secret] = await deps.findSecrets(new Map([[id, JSON.stringify(translated.server)]]));
  if (secret !== undefined) {
    return skip(
      text(
        "its arguments or address carry a credential; put it into a variable or header and import again",
        "seus argumentos ou endereço contêm uma credencial; coloque-a em variável ou cabeçalho e importe de novo",
      ),
    );
  }
  try {
    await refuseTakenKeys(deps, translated.credentials);
    if (translated.elsewhere.length > 0) {
      const missing = translated.elsewhere.join(", ");
      const commands = translated.elsewhere.map((key) => `ciclo keys add ${id}/${key}`).join("; ");
      const why = text(
        `${missing}: the value stands elsewhere. Store it: ${commands}`,
        `${missing}: o valor está em outro lugar. Guarde-o: ${commands}`,
      );
      return { name, id, why, taken: { translated, ...unproven(deps, why, locale) } };
    }
    const { server, credentials } = translated;
    const validated = await shake(deps, actor, server, credentials, locale);
    return { name, id, why: validated.held, taken: { translated, ...validated } };
  } catch (error) {
    if (error instanceof Refusal) return skip(error.errors[0]?.message ?? error.detail);
    throw error;
  }
}

/** Two names that come to one id: the first is taken. */
function dropDoubles(outcomes: Outcome[]): void {
  const seen = new Set<string>();
  for (const outcome of outcomes) {
    if (outcome.taken === null) continue;
    if (seen.has(outcome.id)) {
      outcome.taken = null;
      outcome.why = text(
        `another server of the file becomes ${outcome.id} too`,
        `outro servidor do arquivo também vira ${outcome.id}`,
      );
    }
    seen.add(outcome.id);
  }
}

const presentOutcome = ({ name, id, why, taken }: Outcome, locale: Locale): Imported["servers"][number] => ({
  name,
  id,
  outcome: taken === null ? "skipped" : "planned",
  reason: why?.[locale] ?? null,
  keys: (taken?.translated.credentials ?? []).map(({ reference }) =>
    reference.slice(reference.indexOf("secret:")),
  ),
  validation: taken?.validation ?? null,
});
