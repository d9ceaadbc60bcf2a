import { isUtf8 } from "node:buffer";
import { type CycleAttachment, text, type Text } from "@ciclo/contract";
import type { Queries } from "../../db/dialect.ts";
import { invalidPayload, type LocalFieldError } from "../../errors.ts";
import { evidenceOf, findEvidence } from "./evidence-store.ts";
import type { NewEvidence } from "./stage.ts";
import { extracted, type ExtractDeps } from "./sandbox/extract.ts";

/** A file that came with an issue. Text is read out of documents once, when the cycle starts; of a picture there is none. */
export type Attachment = { name: string; mediaType: string; bytes: Buffer; text: string | null };

/** Evidence of these names are attachments; with `.txt`, the text of one that is not text itself. */
const folder = "attachments/";
/** So much of each the analyst reads: more is refused, and not left out without a word. */
const mostCharacters = 60_000;
const word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const isDocument = (type: string): boolean => type === word || type === "application/pdf";
/** What Word makes of a document with a password, and made of all before 2007. */
const oldWord = Buffer.from("d0cf11e0a1b11ae1", "hex");

const begins: Partial<Record<CycleAttachment["media_type"], (bytes: Buffer) => boolean>> = {
  "application/pdf": (bytes) => bytes.subarray(0, 1024).includes("%PDF-"),
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (bytes) =>
    bytes.subarray(0, 4).equals(Buffer.from("PK\u0003\u0004", "latin1")),
  "image/png": (bytes) => bytes.subarray(0, 4).equals(Buffer.from("89504e47", "hex")),
  "image/jpeg": (bytes) => bytes.subarray(0, 3).equals(Buffer.from("ffd8ff", "hex")),
  "image/gif": (bytes) => bytes.toString("latin1", 0, 4) === "GIF8",
  "image/webp": (bytes) =>
    bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP",
};

/** Takes attachments in, and reads what they say. Throws a `Refusal` that names each one that cannot be read. */
export async function takeIn(deps: ExtractDeps, given: readonly CycleAttachment[]): Promise<Attachment[]> {
  const errors: LocalFieldError[] = [];
  const taken: Attachment[] = [];
  // One after the other: each may take all the memory that one may.
  for (const [at, { name, media_type: mediaType, base64 }] of given.entries()) {
    const refuse = (message: Text): void => {
      errors.push({
        path: `attachments.${at}`,
        message: text(`${name} ${message.en}`, `${name} ${message["pt-BR"]}`),
      });
    };
    const bytes = Buffer.from(base64, "base64");
    const isTaken = given.some(
      (one, other) =>
        other !== at && (one.name === name || (isDocument(one.media_type) && `${one.name}.txt` === name)),
    );
    if (isTaken) refuse(isTwice);
    else if (mediaType === word && bytes.subarray(0, 8).equals(oldWord)) refuse(isOldWord);
    else if (begins[mediaType]?.(bytes) === false) refuse(isNot(mediaType));
    else {
      const said = await textOf(deps, mediaType, bytes);
      if (said !== null && typeof said !== "string") refuse(said.why);
      else if (said !== null && said.length > mostCharacters) refuse(isLong(said.length));
      else taken.push({ name, mediaType, bytes, text: said });
    }
  }
  if (errors.length > 0) throw invalidPayload(errors);
  return taken;
}

async function textOf(
  deps: ExtractDeps,
  type: CycleAttachment["media_type"],
  bytes: Buffer,
): Promise<string | null | { why: Text }> {
  if (type.startsWith("image/")) return null;
  if (type.startsWith("text/")) {
    if (!isUtf8(bytes) || bytes.includes(0)) return { why: isNoText };
    const said = bytes.toString("utf8");
    return said.trim() === "" ? { why: isBlank } : said;
  }
  const kind = type === "application/pdf" ? "pdf" : "docx";
  const found = await extracted(deps, kind, bytes);
  if ("why" in found)
    return {
      why: found.why === "encrypted" ? isEncrypted : found.why === "unreadable" ? isBroken : isTooMuch,
    };
  return found.text.trim() === "" ? { why: isEmpty } : found.text;
}

/** Attachments as they are kept: the files themselves, and the text that was read out of documents. */
export const asEvidence = (attachments: readonly Attachment[]): NewEvidence[] =>
  attachments.flatMap(({ name, mediaType, bytes, text: said }) => [
    { name: `${folder}${name}`, mediaType, bytes },
    ...(said === null || mediaType.startsWith("text/")
      ? []
      : [{ name: `${folder}${name}.txt`, mediaType: "text/plain", bytes: Buffer.from(said) }]),
  ]);

/** The attachments of a cycle, as they were kept. */
export async function attachmentsOf(queries: Queries, cycleId: string): Promise<Attachment[]> {
  const kept = (await evidenceOf(queries, cycleId)).filter(({ name }) => name.startsWith(folder));
  const found = await Promise.all(
    kept.map(async ({ name, sha256, media_type: mediaType }) => {
      const row = await findEvidence(queries, cycleId, sha256);
      return { name: name.slice(folder.length), mediaType, bytes: Buffer.from(row?.content ?? "", "base64") };
    }),
  );
  return found
    .filter(
      ({ name }) =>
        !found.some((other) => name === `${other.name}.txt` && !other.mediaType.startsWith("text/")),
    )
    .map((one) => ({
      ...one,
      text: one.mediaType.startsWith("text/") ? one.bytes.toString("utf8") : readOut(one.name, found),
    }));
}

const readOut = (name: string, all: readonly Pick<Attachment, "name" | "bytes">[]): string | null =>
  all.find((other) => other.name === `${name}.txt`)?.bytes.toString("utf8") ?? null;

const isTwice = text(
  "is attached twice: give each file a name of its own",
  "está anexado duas vezes: dê a cada arquivo um nome próprio",
);
const shortNames: Readonly<Record<string, string>> = { [word]: "DOCX", "application/pdf": "PDF" };
const isNot = (type: string): Text => {
  const name = shortNames[type] ?? type.replace("image/", "").toUpperCase();
  return text(
    `is no ${name} file, whatever its name says`,
    `não é um arquivo ${name}, diga o nome o que disser`,
  );
};
const isOldWord = text(
  "is encrypted, or of a Word before 2007: save it as DOCX without a password",
  "está criptografado, ou é de um Word anterior a 2007: salve-o como DOCX sem senha",
);
const isLong = (characters: number): Text =>
  text(
    `holds ${characters} characters of text, and the analyst reads ${mostCharacters} of each file: attach the part that matters`,
    `contém ${characters} caracteres de texto, e o analista lê ${mostCharacters} de cada arquivo: anexe a parte que importa`,
  );
const isBlank = text("is empty", "está vazio");
const isNoText = text(
  "is no UTF-8 text: convert it, or attach it as PDF",
  "não é texto UTF-8: converta-o, ou anexe-o como PDF",
);
const isEncrypted = text(
  "is encrypted: attach it without its password",
  "está criptografado: anexe-o sem a senha",
);
const isBroken = text(
  "cannot be read: save it again with the program that made it",
  "não pode ser lido: salve-o de novo com o programa que o criou",
);
const isTooMuch = text(
  "takes more than 30 seconds or 1 GB to read: attach the part that matters",
  "leva mais de 30 segundos ou 1 GB para ser lido: anexe a parte que importa",
);
const isEmpty = text(
  "holds no text, as a scan does: attach its pages as pictures",
  "não contém texto, como um documento digitalizado: anexe as páginas como imagens",
);
