import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { whenFileEnds } from "./closing.ts";
import { git } from "./git.ts";
import { serveGit } from "./git-http.ts";

/**
 * A double of GitHub's and GitLab's REST APIs, for what cannot run here. It speaks the
 * parts of their protocols that pull requests need, on a real bare repository, which git reaches by HTTP with the token.
 */
export type ForgeDouble = {
  url: string;
  pulls: Pull[];
  /** Answers every call with 500 while true. */
  down: boolean;
  /** How often it did. */
  refused: number;
  /** Why merging is refused, if it is. */
  blocked: string | null;
  checks: { name: string; conclusion: string }[];
  reviews: { login: string; state: string }[];
  /** Lists that the token may not read. */
  forbidden: ("checks" | "reviews")[];
  merges: number;
  /** Whether merging makes one commit of a pull request. */
  squashes: boolean;
  /** What reads and changes it, in the order of arrival. */
  calls: string[];
};

export type Pull = {
  number: number;
  head: string;
  base: string;
  title: string;
  body: string;
  state: "open" | "closed";
  merged: string | null;
  /** The head that was merged. */
  mergedHead: string | null;
  comments: string[];
};

type Answer = { status: number; body: unknown; next?: number | null };
type Call = { method: string; path: string; query: URLSearchParams; body: Record<string, string> };

export async function startForge(
  provider: "github" | "gitlab",
  repository: string,
  project = "acme/config",
): Promise<ForgeDouble> {
  const forge: ForgeDouble = {
    url: "",
    pulls: [],
    down: false,
    refused: 0,
    blocked: null,
    checks: [],
    reviews: [],
    forbidden: [],
    merges: 0,
    squashes: false,
    calls: [],
  };
  const answer = provider === "github" ? gitHub : gitLab;
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (forge.down) forge.refused += 1;
    const [gitPath] = (request.url ?? "").split("?");
    if (gitPath?.startsWith(`/${project}.git/`) === true) {
      if (forge.down) return void response.writeHead(500).end();
      if (request.headers.authorization !== basicOf(provider))
        return void response.writeHead(401, { "www-authenticate": 'Basic realm="forge"' }).end();
      return serveGit({ repository, path: gitPath.slice(`/${project}.git`.length) }, request, response);
    }
    const call = await readCall(request);
    forge.calls.push(`${call.method} ${call.path}`);
    const {
      status,
      body,
      next = null,
    }: Answer = forge.down
      ? { status: 500, body: { message: "down" } }
      : answer(forge, { repository, project }, call);
    response
      .writeHead(status, { "content-type": "application/json", ...nextPage(forge, request, next) })
      .end(JSON.stringify(body));
  };
  const server = createServer((request, response) => void respond(request, response));
  whenFileEnds(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  forge.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return forge;
}

export const forgeToken = "forge-token";
const users = { github: "x-access-token", gitlab: "oauth2" };
const basicOf = (provider: "github" | "gitlab"): string =>
  `Basic ${Buffer.from(`${users[provider]}:${forgeToken}`).toString("base64")}`;

type Place = { repository: string; project: string };

/** Both forges name the next page in a header: GitHub as a link, GitLab by its number too. */
function nextPage(forge: ForgeDouble, request: IncomingMessage, next: number | null): Record<string, string> {
  if (next === null) return {};
  const url = new URL(request.url ?? "/", forge.url);
  url.searchParams.set("page", String(next));
  return { link: `<${url.href}>; rel="next"`, "x-next-page": String(next) };
}

/** One page of a list, as large as asked for or as the forges make them. */
function paged<T>(items: readonly T[], query: URLSearchParams): { items: T[]; next: number | null } {
  const [size, page] = [Number(query.get("per_page") ?? 20), Number(query.get("page") ?? 1)];
  const next = items.length > size * page ? page + 1 : null;
  return { items: items.slice(size * (page - 1), size * page), next };
}

const forbiddenAnswer: Answer = {
  status: 403,
  body: { message: "Resource not accessible by personal access token" },
};

async function readCall(request: IncomingMessage): Promise<Call> {
  const url = new URL(request.url ?? "/", "http://forge");
  const raw = await text(request);
  const isJson = request.headers["content-type"]?.includes("json") ?? false;
  const body =
    raw === ""
      ? {}
      : isJson
        ? (JSON.parse(raw) as Record<string, string>)
        : Object.fromEntries(new URLSearchParams(raw));
  return {
    method: request.method ?? "GET",
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    body,
  };
}

const tip = (repository: string, branch: string): string | null => {
  const listed = git(repository, "for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`);
  return listed === "" ? null : listed;
};

/** Merges as the forges do: a merge commit, if the head is the one expected. */
function merge(forge: ForgeDouble, repository: string, pull: Pull, expected: string): Answer | string {
  const head = tip(repository, pull.head);
  if (forge.blocked !== null) return { status: 405, body: { message: forge.blocked } };
  if (head !== expected) return { status: 409, body: { message: "Head branch was modified" } };
  const base = git(repository, "rev-parse", pull.base);
  const tree = git(repository, "merge-tree", "--write-tree", base, head);
  const second = forge.squashes ? [] : ["-p", head];
  const commit = git(repository, "commit-tree", tree, "-p", base, ...second, "-m", `Merge #${pull.number}`);
  git(repository, "update-ref", `refs/heads/${pull.base}`, commit, base);
  pull.merged = commit;
  pull.mergedHead = head;
  pull.state = "closed";
  forge.merges += 1;
  return commit;
}

const headOf = (repository: string, pull: Pull): string =>
  pull.mergedHead ?? tip(repository, pull.head) ?? "0".repeat(40);

function gitHub(
  forge: ForgeDouble,
  { repository, project }: Place,
  { method, path, query, body }: Call,
): Answer {
  const show = (pull: Pull) => ({
    number: pull.number,
    html_url: `${forge.url}/${project}/pull/${pull.number}`,
    title: pull.title,
    body: pull.body,
    state: pull.state,
    merged: pull.merged !== null,
    merge_commit_sha: pull.merged,
    head: { ref: pull.head, sha: headOf(repository, pull) },
    base: { ref: pull.base },
  });
  const rest = path.replace(/^(?:\/api\/v3)?\/repos\//, "/").replace(`/${project}`, "");
  if (rest.startsWith("/commits/")) {
    if (forge.forbidden.includes("checks")) return forbiddenAnswer;
    const { items, next } = paged(forge.checks, query);
    const check_runs = items.map((check) => ({ ...check, status: "completed", html_url: null }));
    return { status: 200, body: { total_count: forge.checks.length, check_runs }, next };
  }
  if (rest === "/pulls" && method === "GET") {
    const [owner] = project.split("/");
    const found = forge.pulls.filter(
      (pull) =>
        (pull.state === "open" || query.get("state") === "all") &&
        `${owner}:${pull.head}` === query.get("head"),
    );
    return { status: 200, body: found.toReversed().map(show) };
  }
  if (rest === "/pulls")
    return { status: 201, body: show(openPull(forge, body.head, body.base, body.title, body.body)) };
  const pull = forge.pulls.find(({ number }) => number === Number(rest.split("/")[2]));
  if (pull === undefined) return { status: 404, body: { message: "Not Found" } };
  if (rest.endsWith("/comments")) {
    if (method === "POST") pull.comments.push(body["body"] ?? "");
    const { items, next } = paged(pull.comments, query);
    return method === "POST"
      ? { status: 201, body: {} }
      : { status: 200, body: items.map((one) => ({ body: one })), next };
  }
  if (rest.endsWith("/reviews")) {
    if (forge.forbidden.includes("reviews")) return forbiddenAnswer;
    const { items, next } = paged(forge.reviews, query);
    return { status: 200, body: items.map(({ login, state }) => ({ user: { login }, state })), next };
  }
  if (rest.endsWith("/merge")) {
    const merged = merge(forge, repository, pull, body.sha ?? "");
    return typeof merged === "string"
      ? { status: 200, body: { sha: merged, merged: true, message: "" } }
      : merged;
  }
  if (method === "PATCH") {
    pull.state = body.state === "closed" ? "closed" : pull.state;
    pull.title = body["title"] ?? pull.title;
    pull.body = body["body"] ?? pull.body;
  }
  return { status: 200, body: show(pull) };
}

function gitLab(
  forge: ForgeDouble,
  { repository, project }: Place,
  { method, path, query, body }: Call,
): Answer {
  const show = (pull: Pull) => ({
    iid: pull.number,
    web_url: `${forge.url}/${project}/-/merge_requests/${pull.number}`,
    title: pull.title,
    description: pull.body,
    state: pull.merged !== null ? "merged" : pull.state === "open" ? "opened" : "closed",
    sha: headOf(repository, pull),
    merge_commit_sha: pull.merged,
    squash_commit_sha: null,
  });
  const rest = path.replace(`/api/v4/projects/${project}/merge_requests`, "");
  if (rest === "" && method === "GET") {
    const found = forge.pulls.filter(
      (pull) =>
        (pull.state === "open" || query.get("state") !== "opened") &&
        pull.head === query.get("source_branch"),
    );
    return { status: 200, body: found.toReversed().map(show) };
  }
  if (rest === "") {
    return {
      status: 201,
      body: show(openPull(forge, body.source_branch, body.target_branch, body.title, body.description)),
    };
  }
  const pull = forge.pulls.find(({ number }) => number === Number(rest.split("/")[1]));
  if (pull === undefined) return { status: 404, body: { message: "404 Not found" } };
  if (rest.endsWith("/pipelines")) {
    const pipelines = forge.checks.map(({ conclusion }, id) => ({
      id,
      status: conclusion,
      web_url: forge.url,
    }));
    const { items, next } = paged(pipelines, query);
    return { status: 200, body: items, next };
  }
  if (rest.endsWith("/approvals")) {
    return {
      status: 200,
      body: { approved_by: forge.reviews.map(({ login }) => ({ user: { username: login } })) },
    };
  }
  if (rest.endsWith("/merge")) {
    const merged = merge(forge, repository, pull, body.sha ?? "");
    return typeof merged === "string" ? { status: 200, body: show(pull) } : merged;
  }
  if (rest.endsWith("/notes")) {
    if (method === "POST") pull.comments.push(body["body"] ?? "");
    const { items, next } = paged(pull.comments, query);
    return method === "POST"
      ? { status: 201, body: {} }
      : { status: 200, body: items.map((one) => ({ body: one })), next };
  }
  if (method === "PUT") {
    pull.state = body["state_event"] === "close" ? "closed" : pull.state;
    pull.title = body["title"] ?? pull.title;
    pull.body = body["description"] ?? pull.body;
  }
  return { status: 200, body: show(pull) };
}

function openPull(forge: ForgeDouble, head = "", base = "", title = "", body = ""): Pull {
  const pull: Pull = {
    number: forge.pulls.length + 1,
    head,
    base,
    title,
    body,
    state: "open",
    merged: null,
    mergedHead: null,
    comments: [],
  };
  forge.pulls.push(pull);
  return pull;
}

/** A webhook as each forge signs it. */
export function webhook(
  provider: "github" | "gitlab",
  secret: string,
  branch: string,
): { headers: Record<string, string>; body: string } {
  const event =
    provider === "github"
      ? { pull_request: { head: { ref: branch } } }
      : { object_attributes: { source_branch: branch } };
  return signedEvent(provider, secret, event);
}

/** A push to a branch, as both forges tell of it. */
export const pushEvent = (provider: "github" | "gitlab", secret: string, branch: string) =>
  signedEvent(provider, secret, { ref: `refs/heads/${branch}` });

function signedEvent(
  provider: "github" | "gitlab",
  secret: string,
  event: object,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(event);
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const headers: Record<string, string> =
    provider === "github" ? { "x-hub-signature-256": signature } : { "x-gitlab-token": secret };
  return { headers, body };
}
