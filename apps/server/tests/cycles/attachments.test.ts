import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { verifyManifest } from "../../src/cli/manifest.ts";
import { sha256 } from "../../src/lib/crypto.ts";
import { ciclo } from "../support/cli.ts";
import { problemOf } from "../support/console.ts";
import { carriedThrough, cyclesConsole } from "../support/cycles/console.ts";
import { docxWith, pdfWith, png } from "../support/documents.ts";
import { temporaryFolder } from "../support/temporary.ts";

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document" as const;
const file = <T extends string>(name: string, media_type: T, bytes: Buffer | string) => ({
  name,
  media_type,
  base64: Buffer.from(bytes).toString("base64"),
});

describe("what is attached to an issue", () => {
  it("is read for the analyst: text, Markdown, PDF, DOCX and pictures; and is named in the manifest", async () => {
    const console = await cyclesConsole();
    const { person, approver, repository, model } = console;
    const { id } = await person.client.call("startCycle", {
      body: {
        repository: repository.folder,
        issue: "# Sums are wrong",
        attachments: [
          file("notes.md", "text/markdown", "# Notas\n\nA soma é de dois números."),
          file("brief.pdf", "application/pdf", pdfWith("Totals of invoices are off by one")),
          file("letter.docx", docx, docxWith("The auditor expects four")),
          file("screen.png", "image/png", png),
        ],
      },
    });
    const ended = await carriedThrough(console, id);
    expect(ended.state).toBe("completed");
    const asked = JSON.stringify(
      model.asked.find(({ body }) => JSON.stringify(body).includes("You are the analyst"))?.body,
    );
    for (const said of [
      "A soma é de dois números.",
      "Totals of invoices are off by one",
      "The auditor expects four",
    ])
      expect(asked).toContain(said);
    expect(asked).toContain(png.toString("base64"));
    expect(ended.evidence.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        ["notes.md", "brief.pdf", "brief.pdf.txt", "letter.docx", "letter.docx.txt", "screen.png"].map(
          (name) => `attachments/${name}`,
        ),
      ),
    );
    const manifest = ended.evidence.find(({ name }) => name === "manifest.sigstore.json");
    const { base64 } = await approver.client.call("getCycleEvidence", {
      params: { id, sha256: manifest?.sha256 ?? "" },
    });
    const { public_key: key } = await approver.client.call("getCycleKey");
    const { predicate } = verifyManifest(Buffer.from(base64, "base64").toString("utf8"), key);
    expect(predicate.issue.attachments).toContainEqual({ name: "screen.png", sha256: sha256(png) });
  });

  it.each([
    ["a PDF that is none", file("a.pdf", "application/pdf", "Totals"), "a.pdf is no application/pdf"],
    [
      "a PDF that is cut off",
      file("a.pdf", "application/pdf", pdfWith("Totals").subarray(0, 40)),
      "a.pdf cannot be read",
    ],
    ["a PDF without text", file("a.pdf", "application/pdf", pdfWith("")), "a.pdf holds no text"],
    ["a DOCX that is none", file("a.docx", docx, "PK"), "a.docx is no"],
    ["a picture that is none", file("a.png", "image/png", "<svg/>"), "a.png is no image/png"],
    [
      "text that is none",
      file("a.txt", "text/plain", Buffer.from([0xff, 0xfe, 0x41, 0x00])),
      "a.txt is no UTF-8 text",
    ],
    ["a name that leads elsewhere", file("../a.txt", "text/plain", "a"), "without its folder"],
    ["a credential", file("a.txt", "text/plain", "ghp_0123456789abcdefghijABCDEFGHIJ012345"), "attachments"],
  ])("is refused where it is %s, and nothing is started", async (_, attachment, says) => {
    const { person, approver, repository } = await cyclesConsole();
    const problem = await problemOf(
      person.client.call("startCycle", {
        body: { repository: repository.folder, issue: "# Sums", attachments: [attachment] },
      }),
    );
    expect(problem).toMatchObject({ code: "invalid_payload" });
    expect(JSON.stringify(problem)).toContain(says);
    expect((await approver.client.call("listCycles", { query: {} })).items).toEqual([]);
  });

  describe("on the command line", () => {
    afterEach(() => {
      vi.unstubAllEnvs();
    });

    it("is a file by its ending", async () => {
      const { gateway, person, repository, approver } = await cyclesConsole();
      vi.stubEnv("CICLO_URL", gateway.url);
      vi.stubEnv("CICLO_TOKEN", person.token);
      const folder = await temporaryFolder();
      writeFileSync(join(folder, "brief.pdf"), pdfWith("Totals"));
      writeFileSync(join(folder, "app.exe"), "MZ");
      const start = ["cycle", "start", "--repo", repository.folder, "--issue", "Sums are wrong"];
      const refused = await ciclo(...start, "--attach", join(folder, "app.exe"));
      expect([refused.code, refused.err]).toEqual([
        2,
        expect.stringContaining("attach files that end in .txt"),
      ]);
      expect((await ciclo(...start, "--attach", join(folder, "brief.pdf"))).code).toBe(0);
      const [cycle] = (await approver.client.call("listCycles", { query: {} })).items;
      const { evidence } = await approver.client.call("getCycle", { params: { id: cycle?.id ?? "" } });
      expect(evidence.map(({ name }) => name)).toEqual([
        "attachments/brief.pdf",
        "attachments/brief.pdf.txt",
      ]);
    });
  });
});
