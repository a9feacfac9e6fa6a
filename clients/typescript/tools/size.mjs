// The size of the core, as an app's bundler would ship it; fails above the bound.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MOST_BYTES = 12 * 1024;
const sizes = {};
const BESIDE = ["indexeddb", "tabs", "react", "fallback", "threads", "reactions", "receipts", "presence", "drafts", "badges", "streaming"];
for (const entry of ["index", ...BESIDE]) {
  const { outputFiles } = await build({
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react", ...(entry === "index" ? [] : ["./parley.js"])],
    write: false,
  }).catch(() => ({ outputFiles: [] }));
  if (outputFiles[0]) sizes[entry] = gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
console.log(sizes);
if (sizes.index > MOST_BYTES) {
  console.error(`The core has ${sizes.index} bytes gzipped; ${MOST_BYTES} are allowed.`);
  process.exit(1);
}
