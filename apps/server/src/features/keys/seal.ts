import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { deriveKey, sha256 } from "../../lib/crypto.ts";

/** AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. `v1.<nonce>.<ciphertext and tag>`, base64url. */

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

/** Seals bytes under a key. They open only with the same `context`, so that rows cannot be exchanged. */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(context));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return `v1.${nonce.toString("base64url")}.${sealed.toString("base64url")}`;
}

/** Opens what `seal` made. Throws when key or context are others, or a bit was changed. */
export function unseal(key: Uint8Array, sealed: string, context: string): Buffer {
  const [form, nonce = "", body = ""] = sealed.split(".");
  const bytes = Buffer.from(body, "base64url");
  if (form !== "v1" || bytes.length < tagBytes) throw new Error("not a sealed value");
  const decipher = createDecipheriv(algorithm, key, Buffer.from(nonce, "base64url"), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]);
}

/** The key that data keys are wrapped with, of a master key. */
export const wrappingKey = (masterKey: Uint8Array): Buffer => deriveKey(masterKey, "ciclo data keys v1");

/** Names a master key without telling anything of it. */
export const masterIdOf = (masterKey: Uint8Array): string =>
  sha256(deriveKey(masterKey, "ciclo master key id v1")).slice(0, 16);
