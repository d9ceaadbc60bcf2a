import { Memo } from "../../lib/memo.ts";
import { markdownSections, type SearchDocument, SearchIndex } from "../../lib/search-index.ts";
import type { Snapshot, SearchConfig } from "../../domain/snapshot.ts";

/** Search over a commit's documents, agents, policies and servers. One index a commit, made when first asked. */
export function createConfigSearch(): SearchConfig {
  const indexes = new Memo<string, SearchIndex>(4);
  return (snapshot, query, limit) =>
    indexes.get(snapshot.commit, () => new SearchIndex(documentsOf(snapshot))).search(query, limit);
}

function documentsOf(snapshot: Snapshot): SearchDocument[] {
  const files = [...snapshot.files.values()].flatMap(({ path, source }) =>
    path.endsWith(".md")
      ? markdownSections(path, source)
      : [{ path, title: titleOf(snapshot, path), text: source }],
  );
  const servers = snapshot.registry.servers.map((server) => ({
    path: "mcp-registry.yaml",
    title: `${server.id}: ${server.title}`,
    text: [server.description, server.transport, server.url, ...(server.tools ?? [])].join("\n"),
  }));
  return [...files, ...servers];
}

function titleOf(snapshot: Snapshot, path: string): string {
  const name =
    path
      .split("/")
      .at(path.startsWith("agents/") ? 1 : -1)
      ?.replace(/\.\w+$/, "") ?? path;
  return snapshot.agents.get(name)?.title ?? snapshot.policies.get(name)?.title ?? path;
}
