import type { PullRequest } from "@ciclo/contract";
import { Octokit, type RestEndpointMethodTypes } from "@octokit/rest";
import type { ForgeConfig } from "../../domain/forge.ts";
import { type Clock, stamp } from "../clock.ts";
import { type Forge, forgeUnavailable } from "./forge.ts";

type Pull = RestEndpointMethodTypes["pulls"]["get"]["response"]["data"];

const timeoutMs = 15_000;

/** Pull requests on GitHub, or GitHub Enterprise when a URL is given. */
export function createGitHub(config: ForgeConfig, repository: string, clock: Clock): Forge {
  const [owner = "", repo = ""] = repository.split("/");
  const octokit = connect(config);
  const at = (): Place => ({
    owner,
    repo,
    request: { signal: AbortSignal.timeout(timeoutMs) },
  });
  const describe = async (pull: Pull): Promise<PullRequest> =>
    presentPull(pull, await feedbackOn(octokit, at(), pull), clock());
  const get = async (number: number): Promise<Pull> =>
    (await octokit.pulls.get({ ...at(), pull_number: number })).data;
  return {
    provider: "github",
    find: ({ branch, base }) =>
      reach(async () => {
        const of = {
          head: `${owner}:${branch}`,
          base,
          state: "all",
          sort: "created",
          direction: "desc",
        } as const;
        const { data } = await octokit.pulls.list({ ...at(), ...of, per_page: 1 });
        return data[0] === undefined ? null : describe(await get(data[0].number));
      }),
    open: ({ branch, base, title, body }) =>
      reach(async () => {
        const { data: open } = await octokit.pulls.list({
          ...at(),
          head: `${owner}:${branch}`,
          base,
          state: "open",
        });
        const number =
          open[0]?.number ??
          (await octokit.pulls.create({ ...at(), head: branch, base, title, body })).data.number;
        return describe(await get(number));
      }),
    edit: (number, { title, body }) =>
      reach(async () => {
        const pull = await get(number);
        if (pull.title !== title || pull.body !== body)
          await octokit.pulls.update({ ...at(), pull_number: number, title, body });
      }),
    comment: (number, comment) =>
      reach(() => commentOnce(octokit, { ...at(), issue_number: number }, comment)),
    read: (number) => reach(async () => describe(await get(number))),
    merge: (number, head, title) =>
      reach(async () => {
        const pull = await get(number);
        if (pull.merged) return { merged: true, commit: pull.merge_commit_sha ?? head };
        if (pull.state !== "open") return { merged: false, reason: `#${number} is closed` };
        return mergeOpen(octokit, {
          ...at(),
          pull_number: number,
          sha: head,
          merge_method: "merge",
          commit_title: title,
        });
      }),
    close: (number) =>
      reach(async () => {
        const pull = await get(number);
        if (pull.state === "open")
          await octokit.pulls.update({ ...at(), pull_number: number, state: "closed" });
      }),
  };
}

type Place = { owner: string; repo: string; request: { signal: AbortSignal } };

async function commentOnce(
  octokit: Octokit,
  place: Place & { issue_number: number },
  { marker, body }: { marker: string; body: string },
): Promise<void> {
  const comments = await octokit.paginate(octokit.issues.listComments, { ...place, per_page: 100 });
  if (comments.some((one) => one.body?.includes(marker) === true)) return;
  await octokit.issues.createComment({ ...place, body });
}

/** Checks and reviews of a pull request, to the last page; null where the token may not read them. */
async function feedbackOn(octokit: Octokit, place: Place, pull: Pull) {
  const page = { ...place, per_page: 100 };
  const runs = await ifAllowed(octokit.paginate(octokit.checks.listForRef, { ...page, ref: pull.head.sha }));
  const reviews = await ifAllowed(
    octokit.paginate(octokit.pulls.listReviews, { ...page, pull_number: pull.number }),
  );
  return { runs, reviews };
}

const presentPull = (
  pull: Pull,
  { runs, reviews }: Awaited<ReturnType<typeof feedbackOn>>,
  now: Date,
): PullRequest => ({
  provider: "github",
  number: pull.number,
  url: pull.html_url,
  state: pull.merged ? "merged" : pull.state === "open" ? "open" : "closed",
  head: pull.head.sha,
  merge_commit: pull.merged ? pull.merge_commit_sha : null,
  checks: (runs ?? []).map((run) => ({
    name: run.name,
    status: run.conclusion ?? run.status,
    url: run.html_url,
  })),
  reviews: (reviews ?? []).map((review) => ({
    author: review.user?.login ?? "?",
    state: review.state.toLowerCase(),
  })),
  hidden: [...(runs === null ? ["checks" as const] : []), ...(reviews === null ? ["reviews" as const] : [])],
  synced_at: stamp(now),
});

/** Octokit's own log is silent: what fails is said by who asked. */
const connect = (config: ForgeConfig): Octokit =>
  new Octokit({
    auth: config.token,
    ...(config.url === undefined ? {} : { baseUrl: config.url.replace(/\/$/, "") }),
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });

async function mergeOpen(octokit: Octokit, request: RestEndpointMethodTypes["pulls"]["merge"]["parameters"]) {
  try {
    const { data } = await octokit.pulls.merge(request);
    return { merged: true as const, commit: data.sha };
  } catch (error) {
    // 405: checks, reviews or conflicts hold it back; 409: the head is another commit.
    const status = statusOf(error);
    if (status === 405 || status === 409) return { merged: false as const, reason: messageOf(error) };
    throw error;
  }
}

/** What the forge tells; null where the token lacks the right to ask, which holds up nothing. */
async function ifAllowed<T>(asking: Promise<T[]>): Promise<T[] | null> {
  try {
    return await asking;
  } catch (error) {
    // GitHub answers 404 where a token may not even learn that there is something.
    if (statusOf(error) === 403 || statusOf(error) === 404) return null;
    throw error;
  }
}

async function reach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw forgeUnavailable("GitHub", messageOf(error), error);
  }
}

const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : undefined;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.slice(0, 300) : "unknown";
