import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { sha256Bytes } from "../../lib/crypto.ts";

/** Signed notes and checkpoints: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint. */

const ed25519 = 0x01;
/** PKCS #8 header of an Ed25519 private key; the 32-byte seed follows (RFC 8410). */
const pkcs8Header = Buffer.from("302e020100300506032b657004220420", "hex");

export type NoteSigner = { name: string; verifierKey: string; sign(text: string): string };
export type CheckpointBody = { origin: string; size: number; root: string };

/** A signer from a 32-byte seed. `name` must not hold spaces or plus signs. */
export function createSigner(name: string, seed: Buffer): NoteSigner {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Header, seed]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = rawPublicKey(createPublicKey(privateKey));
  const keyId = idOf(name, publicKey);
  const key = Buffer.concat([Buffer.from([ed25519]), publicKey]);
  return {
    name,
    verifierKey: `${name}+${keyId.toString("hex")}+${key.toString("base64")}`,
    sign(text) {
      const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)]);
      return `${text}\n— ${name} ${signature.toString("base64")}\n`;
    },
  };
}

/** The signed text, or null when the note is not signed by that key. */
export function openNote(note: string, verifierKey: string): string | null {
  const [, name = "", id, encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(verifierKey) ?? [];
  const key = Buffer.from(encoded, "base64");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) return null;
  const text = note.slice(0, split + 1);
  const publicKey = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: key.subarray(1).toString("base64url") },
    format: "jwk",
  });
  const signed = note
    .slice(split + 2)
    .split("\n")
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => Buffer.from(line.slice(name.length + 3), "base64"))
    .some(
      (signature) =>
        signature.subarray(0, 4).toString("hex") === id &&
        verify(null, Buffer.from(text), publicKey, signature.subarray(4)),
    );
  return signed ? text : null;
}

export const checkpointText = ({ origin, size, root }: CheckpointBody): string =>
  `${origin}\n${size}\n${root}\n`;

export function parseCheckpoint(text: string): CheckpointBody | null {
  const [origin, size, root] = text.split("\n");
  if (origin === undefined || root === undefined || !/^\d{1,15}$/.test(size ?? "")) return null;
  return { origin, size: Number(size), root };
}

const rawPublicKey = (key: KeyObject): Buffer =>
  Buffer.from((key.export({ format: "jwk" }) as { x: string }).x, "base64url");

const idOf = (name: string, publicKey: Buffer): Buffer =>
  sha256Bytes(Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([ed25519]), publicKey])).subarray(0, 4);
