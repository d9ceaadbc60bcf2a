import { text } from "@ciclo/contract";
import { z } from "zod";
import type { ForgeConfig } from "../../domain/forge.ts";
import { fieldError, invalidPayload, Refusal } from "../../errors.ts";
import { parseJson } from "../../lib/parse-json.ts";

export type IssueDeps = {
  /** Asks another machine, where policy allows that. */
  send(input: string, init: RequestInit): Promise<Response>;
  /** The forge that the console has a token of; undefined where it has none. */
  forge: ForgeConfig | undefined;
};

type Place = { provider: "github" | "gitlab"; api: string };

/** An address and nothing else. */
const isAddress = /^https?:\/\/\S+$/;
const mostCharacters = 200_000;

/** Where a forge's API has the issue that people see at an address; null for an address of none. */
function placeOf(address: string): Place | null {
  const url = URL.parse(address);
  if (url === null || url.username !== "") return null;
  const [, project, gitlabNumber] = /^\/(.+?)\/-\/(?:issues|work_items)\/(\d+)\/?$/.exec(url.pathname) ?? [];
  if (project !== undefined)
    return {
      provider: "gitlab",
      api: `${url.origin}/api/v4/projects/${encodeURIComponent(decodeURIComponent(project))}/issues/${gitlabNumber}`,
    };
  const [, owner, repository, number] = /^\/([\w.-]+)\/([\w.-]+)\/issues\/(\d+)\/?$/.exec(url.pathname) ?? [];
  if (number === undefined) return null;
  const api = url.host === "github.com" ? "https://api.github.com" : `${url.origin}/api/v3`;
  return { provider: "github", api: `${api}/repos/${owner}/${repository}/issues/${number}` };
}

const issueSchema = z.object({
  title: z.string(),
  /** GitHub's. */
  body: z.string().nullish(),
  /** GitLab's. */
  description: z.string().nullish(),
});

/**
 * The text of an issue: what was said, or where that is an address alone, what GitHub or GitLab has there, with the address. The
 * console's token goes only to the forge that it is of. Throws a `Refusal` for an address that is none of an issue, or cannot be read.
 */
export async function issueText(said: string, { send, forge }: IssueDeps): Promise<string> {
  if (!isAddress.test(said)) return said;
  const place = placeOf(said);
  if (place === null) throw notAnIssue(said);
  const response = await send(place.api, {
    headers: { accept: "application/json", ...tokenFor(place, forge) },
    redirect: "error",
  }).catch((error: unknown) => {
    if (error instanceof Refusal) throw error;
    throw unreachable(said, error instanceof Error ? error.message : "no answer");
  });
  if (response.status === 401 || response.status === 403 || response.status === 404) throw notReadable(said);
  if (!response.ok) throw unreachable(said, `status ${response.status}`);
  const issue = issueSchema.safeParse(parseJson(await response.text()));
  if (!issue.success) throw unreachable(said, "its answer is no issue");
  const { title, body, description } = issue.data;
  const words = (body ?? description ?? "").trim();
  const whole = [`# ${title}`, ...(words === "" ? [] : [words]), `<${said}>`].join("\n\n");
  if (whole.length > mostCharacters) throw tooLong(said);
  return whole;
}

function tokenFor({ provider, api }: Place, forge: IssueDeps["forge"]): Record<string, string> {
  if (forge === undefined || forge.provider !== provider) return {};
  const own = forge.url ?? (provider === "github" ? "https://api.github.com" : "https://gitlab.com");
  if (URL.parse(own)?.origin !== new URL(api).origin) return {};
  return provider === "github"
    ? { authorization: `Bearer ${forge.token}` }
    : { "private-token": forge.token };
}

const notAnIssue = (said: string): Refusal =>
  invalidPayload([
    fieldError(
      "issue",
      `${said} is the address of no issue on GitHub (…/owner/repository/issues/12) or GitLab (…/group/project/-/issues/12)`,
      `${said} não é o endereço de uma issue no GitHub (…/owner/repository/issues/12) ou GitLab (…/group/project/-/issues/12)`,
    ),
  ]);
const notReadable = (said: string): Refusal =>
  new Refusal(
    "not_found",
    text(
      `${said} is not there, or the console may not read it: paste the text, or give the console a token (CICLO_FORGE_TOKEN) that may`,
      `${said} não existe, ou a console não pode lê-la: cole o texto, ou dê à console um token (CICLO_FORGE_TOKEN) que possa`,
    ),
  );
const unreachable = (said: string, why: string): Refusal =>
  new Refusal(
    "upstream_failed",
    text(
      `${said} cannot be read now (${why}): try again, or paste the text`,
      `${said} não pode ser lida agora (${why}): tente de novo, ou cole o texto`,
    ),
  );
const tooLong = (said: string): Refusal =>
  new Refusal(
    "too_large",
    text(
      `${said} is of more than ${mostCharacters} characters: paste the part that matters`,
      `${said} tem mais de ${mostCharacters} caracteres: cole a parte que importa`,
    ),
  );
