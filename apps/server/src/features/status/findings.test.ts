import { describe, expect, it } from "vitest";
import { diskFinding } from "./findings.ts";

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
