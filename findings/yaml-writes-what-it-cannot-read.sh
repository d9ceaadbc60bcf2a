#!/usr/bin/env bash
# yaml 2.9.1 (npm): two sets of documented options of stringify() write YAML that parse() of the same version does not
# read back as the same value.
#   { collectionStyle: "block", indentSeq: false }   an empty list under a key is written at the key's own
#                                                    indentation, so the text is no YAML any more
#   { defaultStringType: "BLOCK_LITERAL" }           a string of blanks is written as a block whose only line is
#                                                    blank, which is read as the empty string
# Anyone who writes configuration with these options loses a file, or a value without any error.
# Run it anywhere with Node and npm. It fails when the behaviour is no longer as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund yaml@2.9.1
cat >try.mjs <<'JS'
import { parse, stringify } from "yaml";

const tries = [
  ["empty list", { servers: [] }, { collectionStyle: "block", indentSeq: false }],
  ["string of blanks", { separator: " " }, { defaultStringType: "BLOCK_LITERAL" }],
];
for (const [name, value, options] of tries) {
  const written = stringify(value, options);
  let read;
  try {
    read = JSON.stringify(parse(written));
  } catch (error) {
    read = error.code;
  }
  console.log(`${name}: ${JSON.stringify(value)} -> ${JSON.stringify(written)} -> ${read}`);
}
JS
seen=$(node try.mjs)
printf '%s\n' "$seen"
expected='empty list: {"servers":[]} -> "servers:\n[]\n" -> MISSING_CHAR
string of blanks: {"separator":" "} -> "\"separator\": |-\n   \n" -> {"separator":""}'
[ "$seen" = "$expected" ] || { echo "yaml 2.9.1 no longer behaves as described" >&2; exit 1; }
