import { describe, expect, it } from "vitest";
import { diskFinding, logsFinding } from "./findings.ts";

const megabyte = 1024 * 1024;

describe("the room on the disk", () => {
  it.each([
    [31, "down", "31 MB are free for the data folder", "31 MB livres para a pasta de dados"],
    [32, "degraded", "32 MB are free for the data folder", "32 MB livres para a pasta de dados"],
    [511, "degraded", "511 MB are free for the data folder", "511 MB livres para a pasta de dados"],
    [512, "ok", "512 MB are free for the data folder", "512 MB livres para a pasta de dados"],
    [10_239, "ok", "10239 MB are free for the data folder", "10239 MB livres para a pasta de dados"],
    [72_788, "ok", "71 GB are free for the data folder", "71 GB livres para a pasta de dados"],
  ])("of %d MB is %s", (free, status, en, ptBR) => {
    expect(diskFinding(free * megabyte + 1)).toEqual({ status, detail: { en, "pt-BR": ptBR } });
  });
});

describe("usage logs", () => {
  const telemetry = { source: "telemetry", files: 2, lines: 100, bad: 0, tooOld: 0, failing: [] as string[] };
  it.each([
    [[], "ok", "None has been read yet"],
    [[telemetry], "ok", "100 lines of 2 files read"],
    [
      [telemetry, { source: "codex", files: 1, lines: 10, bad: 5, tooOld: 2, failing: [] }],
      "ok",
      "110 lines of 3 files read; codex: 5 of 10 lines could not be used; they are kept with the reason in rejected/ of the data folder; codex: 2 calls were left out: older than calls are kept, or from more than a day ahead",
    ],
    [
      [{ ...telemetry, bad: 9, failing: ["/logs/glm/a.jsonl"] }],
      "degraded",
      "100 lines of 2 files read; telemetry: 9 of 100 lines could not be used; they are kept with the reason in rejected/ of the data folder; most lines of /logs/glm/a.jsonl could not be used",
    ],
    [
      [{ ...telemetry, bad: 51 }],
      "degraded",
      "100 lines of 2 files read; telemetry: 51 of 100 lines could not be used; they are kept with the reason in rejected/ of the data folder",
    ],
  ])("%j are %s", (logs, status, en) => {
    const found = logsFinding(logs);
    expect([found.status, found.detail.en]).toEqual([status, en]);
  });
});
