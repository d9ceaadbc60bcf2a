import { createPublicKey, type KeyObject } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { type CycleStatement, cycleStatementSchema } from "@ciclo/contract";
import { UsageError } from "./command.ts";

/**
 * Checks a cycle's manifest without the console: that the key's owner signed it, and that it is what it says it is. Returns the
 * statement. Throws an `Error` that says what is wrong; a `UsageError` for files that are none of the two.
 */
export function verifyManifest(manifest: string, pem: string): CycleStatement {
  const key = keyIn(pem);
  const bundle = bundleIn(manifest);
  const hint = hintIn(bundle);
  const trust = toTrustMaterial(
    { mediaType: "", certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] },
    {
      [hint]: {
        rawBytes: key.export({ type: "spki", format: "der" }),
        keyDetails: "PKIX_ED25519" as never,
      },
    },
  );
  // The signature alone says nothing of what was signed: the statement is read as one of ours behind it.
  new Verifier(trust, { tlogThreshold: 0, timestampThreshold: 0 }).verify(toSignedEntity(bundle));
  if (bundle.content.$case !== "dsseEnvelope") throw new UsageError("the manifest is no signed statement");
  const { payload, payloadType } = bundle.content.dsseEnvelope;
  if (payloadType !== "application/vnd.in-toto+json") throw new Error(`what was signed is a ${payloadType}`);
  const statement = cycleStatementSchema.safeParse(JSON.parse(payload.toString("utf8")));
  if (!statement.success) throw new Error("what was signed is no manifest of a cycle");
  return statement.data;
}

function keyIn(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch {
    throw new UsageError("the key file holds no public key: ciclo cycle key > ciclo.pem makes one");
  }
}

function bundleIn(manifest: string) {
  try {
    return bundleFromJSON(JSON.parse(manifest));
  } catch {
    throw new UsageError(
      "the manifest is no Sigstore bundle: ciclo cycle manifest ID > manifest.json makes one",
    );
  }
}

function hintIn(bundle: ReturnType<typeof bundleFromJSON>): string {
  const { content } = bundle.verificationMaterial;
  if (content.$case !== "publicKey") throw new UsageError("the manifest is not signed with a console's key");
  return content.publicKey.hint;
}
