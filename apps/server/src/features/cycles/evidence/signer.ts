import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import type { CycleKey, CycleStatement } from "@ciclo/contract";
import { sha256 } from "../../../lib/crypto.ts";

/** PKCS #8 header of an Ed25519 private key; the 32-byte seed follows (RFC 8410). */
const pkcs8Header = Buffer.from("302e020100300506032b657004220420", "hex");
const payloadType = "application/vnd.in-toto+json";

export type ManifestSigner = {
  key: CycleKey;
  /** The statement in a signed envelope: a Sigstore bundle as JSON. */
  sign(statement: CycleStatement): Promise<Buffer>;
};

/** Signs manifests with the console's own key, made of a 32-byte seed. */
export function createManifestSigner(seed: Buffer): ManifestSigner {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Header, seed]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey(privateKey);
  const hint = sha256(publicKey.export({ type: "spki", format: "der" })).slice(0, 16);
  return {
    key: { public_key: publicKey.export({ type: "spki", format: "pem" }), hint },
    async sign(statement) {
      // Loaded when they are needed: a console starts more often than a cycle ends.
      const { bundleToJSON, toDSSEBundle } = await import("@sigstore/bundle");
      const { dsse } = await import("@sigstore/core");
      const artifact = Buffer.from(JSON.stringify(statement));
      const signature = sign(null, dsse.preAuthEncoding(payloadType, artifact), privateKey);
      const bundle = toDSSEBundle({ artifact, artifactType: payloadType, signature, keyHint: hint });
      return Buffer.from(`${JSON.stringify(bundleToJSON(bundle))}\n`);
    },
  };
}
