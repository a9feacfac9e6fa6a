// Bundles the page into dist/. `node build.mjs https://chat.example.com` makes it for that server.
import { cp, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// The package is used from its source in this repository. An app that has installed it needs no aliases: these
// give both the same React.
const MODULES = ["badges", "drafts", "indexeddb", "presence", "reactions", "react", "receipts", "streaming", "tabs", "threads"];
export const alias = {
  "parley-client": here("../../clients/typescript/src/index.ts"),
  ...Object.fromEntries(MODULES.map((name) => [`parley-client/${name}`, here(`../../clients/typescript/src/${name}.ts`)])),
  react: here("node_modules/react"),
  idb: here("node_modules/idb"),
};

/** The page for a server, in `outdir`, which gets everything that a web server has to serve. */
async function page(server, outdir) {
  await mkdir(outdir, { recursive: true });
  await cp(here("index.html"), `${outdir}/index.html`);
  return {
    entryPoints: { app: here("src/main.tsx") },
    outdir,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    alias,
    define: { SERVER: JSON.stringify(server), "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  };
}

/** Serves the page from `outdir`, and bundles it again when its source has changed. Returns what ends that. */
export async function serve(server, outdir, host, port) {
  const context = await esbuild.context(await page(server, outdir));
  await context.watch();
  await context.serve({ servedir: outdir, host, port });
  return () => context.dispose();
}

/** Bundles a program of Node with the package, so that it runs from its source; returns the module. */
export async function load(file, outfile) {
  await esbuild.build({
    entryPoints: [here(file)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias,
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  return import(outfile);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await esbuild.build(await page(process.argv[2] ?? "http://127.0.0.1:8000", process.argv[3] ?? here("dist")));
}
