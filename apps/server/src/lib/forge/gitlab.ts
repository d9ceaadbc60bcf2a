import type { PullRequest } from "@ciclo/contract";
import { type ExpandedMergeRequestSchema, Gitlab } from "@gitbeaker/rest";
import type { ForgeConfig } from "../../domain/forge.ts";
import { type Clock, stamp } from "../clock.ts";
import { type Forge, forgeUnavailable, type MergeOutcome } from "./forge.ts";

const timeoutMs = 15_000;

/** Merge requests on GitLab.com, or another GitLab when a URL is given. */
export function createGitLab(config: ForgeConfig, project: string, clock: Clock): Forge {
  const gitlab = connect(config);
  const get = (iid: number): Promise<ExpandedMergeRequestSchema> => gitlab.MergeRequests.show(project, iid);
  const describe = (request: ExpandedMergeRequestSchema): Promise<PullRequest> =>
    describeIn(gitlab, project, request, clock());
  return {
    provider: "gitlab",
    find: (of) =>
      reach(async () => {
        const newest = await newestIn(gitlab, project, of);
        return newest === null ? null : describe(await get(newest));
      }),
    open: ({ branch, base, title, body }) =>
      reach(async () => {
        const open = await gitlab.MergeRequests.all({
          projectId: project,
          sourceBranch: branch,
          targetBranch: base,
          state: "opened",
        });
        const iid =
          open[0]?.iid ??
          (await gitlab.MergeRequests.create(project, branch, base, title, { description: body })).iid;
        return describe(await get(iid));
      }),
    edit: (iid, { title, body }) =>
      reach(async () => {
        const request = await get(iid);
        if (request.title !== title || request.description !== body)
          await gitlab.MergeRequests.edit(project, iid, { title, description: body });
      }),
    comment: (iid, { marker, body }) =>
      reach(async () => {
        const notes = await gitlab.MergeRequestNotes.all(project, iid);
        if (notes.some((note) => note.body.includes(marker))) return;
        await gitlab.MergeRequestNotes.create(project, iid, body);
      }),
    read: (iid) => reach(async () => describe(await get(iid))),
    merge: (iid, head, message) =>
      reach(async () => {
        const request = await get(iid);
        if (request.state === "merged") return { merged: true, commit: landedCommit(request, head) };
        if (request.state !== "opened") return { merged: false, reason: `!${iid} is ${request.state}` };
        return mergeOpen(async () => {
          const merged = await gitlab.MergeRequests.merge(project, iid, {
            sha: head,
            mergeCommitMessage: message,
          });
          return landedCommit(merged, head);
        });
      }),
    close: (iid) =>
      reach(async () => {
        if ((await get(iid)).state === "opened")
          await gitlab.MergeRequests.edit(project, iid, { stateEvent: "close" });
      }),
  };
}

const connect = ({ url, token }: ForgeConfig) =>
  new Gitlab({ host: url ?? "https://gitlab.com", token, queryTimeout: timeoutMs });
type GitLab = ReturnType<typeof connect>;

async function describeIn(
  gitlab: GitLab,
  project: string,
  request: ExpandedMergeRequestSchema,
  now: Date,
): Promise<PullRequest> {
  const pipelines = await gitlab.MergeRequests.allPipelines(project, request.iid);
  const approvals = await gitlab.MergeRequestApprovals.showConfiguration(project, {
    mergerequestIId: request.iid,
  });
  return {
    provider: "gitlab",
    number: request.iid,
    url: request.web_url,
    state: stateOf(request),
    head: request.sha,
    merge_commit: request.state === "merged" ? landedCommit(request, request.sha) : null,
    checks: pipelines.map(({ id, status, web_url }) => ({ name: `pipeline ${id}`, status, url: web_url })),
    reviews: (approvals.approved_by ?? []).map(({ user }) => ({ author: user.username, state: "approved" })),
    hidden: [],
    synced_at: stamp(now),
  };
}

/** The number of the newest merge request of a branch; null where there is none. */
async function newestIn(
  gitlab: GitLab,
  project: string,
  { branch, base }: { branch: string; base: string },
): Promise<number | null> {
  const [newest] = await gitlab.MergeRequests.all({
    projectId: project,
    sourceBranch: branch,
    targetBranch: base,
    orderBy: "created_at",
    sort: "desc",
    perPage: 1,
    maxPages: 1,
  });
  return newest?.iid ?? null;
}

const stateOf = ({ state }: ExpandedMergeRequestSchema): PullRequest["state"] =>
  state === "merged" ? "merged" : state === "opened" ? "open" : "closed";

/** A fast-forward leaves no merge commit: the head itself is on the base branch then. */
const landedCommit = (request: ExpandedMergeRequestSchema, head: string): string =>
  request.merge_commit_sha ?? request.squash_commit_sha ?? head;

async function mergeOpen(merge: () => Promise<string>): Promise<MergeOutcome> {
  try {
    return { merged: true, commit: await merge() };
  } catch (error) {
    // 405, 406, 422: checks, approvals or conflicts hold it back; 409: the head is another commit.
    if ([405, 406, 409, 422].includes(statusOf(error) ?? 0))
      return { merged: false, reason: messageOf(error) };
    throw error;
  }
}

async function reach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw forgeUnavailable("GitLab", messageOf(error), error);
  }
}

function statusOf(error: unknown): number | undefined {
  const cause =
    error instanceof Error ? (error.cause as { response?: { status?: number } } | undefined) : undefined;
  return cause?.response?.status;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message.slice(0, 300) : "unknown";
