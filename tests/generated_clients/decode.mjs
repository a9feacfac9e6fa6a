// Decodes each example with the code of typescript-fetch and encodes it again: node decode.mjs FOLDER EXAMPLES
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, examples] = process.argv.slice(2);
const generated = createRequire(import.meta.url)(folder);
const present = (value) =>
  JSON.parse(JSON.stringify(value), (_, each) => (each === null ? undefined : Array.isArray(each) ? [...each] : each));

let count = 0;
for (const { component, union, value } of JSON.parse(readFileSync(examples, "utf8"))) {
  const decoded = generated[`${component}FromJSON`](value);
  assert.deepEqual(present(generated[`${component}ToJSON`](decoded)), present(value), component);
  // FrameError has no value of the discriminator, and comes out of its union as it went in.
  if (union && component !== "FrameError")
    assert.deepEqual(generated[`${union}FromJSON`](value), decoded, `${component} as ${union}`);
  count += 1;
}
console.log(`decoded ${count} examples`);
