// Size, cold start and the CPU of a burst, beside other clients, as a table of Markdown: `npm run compare`.
// The other packages are installed in a scratch folder. CENTRIFUGO names a program of Centrifugo, if there is one.
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const encode = (data) => Buffer.from(data).toString("base64url");
const HERE = fileURLToPath(new URL("..", import.meta.url));
const ROOT = join(HERE, "../..");
const PYTHON = process.env.PARLEY_PYTHON ?? join(ROOT, ".venv/bin/python");
const PACKAGES = ["stream-chat", "centrifuge", "socket.io-client", "@supabase/realtime-js", "socket.io", "ws"];
const IMPORTS = {
  "parley-client": `export { Parley } from "${HERE}src/index.ts";`,
  "stream-chat": 'export { StreamChat } from "stream-chat";',
  centrifuge: 'export { Centrifuge } from "centrifuge";',
  "socket.io-client": 'export { io } from "socket.io-client";',
  "@supabase/realtime-js": 'export { RealtimeClient } from "@supabase/realtime-js";',
};
const RUNS = 3;
const MESSAGES = 1_000;
const SECRET = "a-secret-of-the-benchmark";
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

const folder = mkdtempSync(join(tmpdir(), "parley-compare-"));
writeFileSync(join(folder, "package.json"), '{"private": true, "type": "module"}');
execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", ...PACKAGES], { cwd: folder, stdio: "inherit" });

/** The bytes that an app ships for the class that it uses: bundled for a browser, minified, gzipped. */
async function sizeOf(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Passes everything on, and counts bytes and turns: how often the client spoke after the server had, on any connection. */
async function meter(target) {
  const counted = { bytes: 0, turns: 0, connections: 0, last: "server" };
  const server = net.createServer((near) => {
    counted.connections++;
    const far = net.connect(target, "127.0.0.1");
    near.on("data", (data) => {
      if (counted.last === "server") counted.turns++;
      counted.last = "client";
      counted.bytes += data.length;
      far.write(data);
    });
    far.on("data", (data) => {
      counted.last = "server";
      counted.bytes += data.length;
      near.write(data);
    });
    for (const [one, other] of [[near, far], [far, near]]) one.on("close", () => other.destroy()).on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: server.address().port, counted, close: () => server.close() };
}

async function ready(process, url) {
  for (let tries = 0; tries < 600 && process.exitCode === null; tries++) {
    if ((await fetch(url).catch(() => null))?.ok) return;
    await sleep(100);
  }
  throw new Error(`${url} does not answer.`);
}

/** Each server has one room with one message of 50 letters, gives out an address, and sends a burst. */
const servers = {
  async "parley-client"() {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const database = `sqlite:///${join(folder, "parley.sqlite3")}`;
    const environment = { ...process.env, DATABASE_URL: database, REDIS_URL: "", SECRET_KEY: "only-for-tests-".repeat(4), HOST: "127.0.0.1", PORT: String(port), RATE_LIMITS: "0" };
    const server = spawn(PYTHON, ["manage.py", "serve"], { cwd: ROOT, env: { ...environment, DJANGO_SETTINGS_MODULE: "tests.realtime.live_settings" }, stdio: "ignore" });
    await ready(server, `${url}/readyz`);
    const call = async (token, method, path, body) => {
      const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
      return (await fetch(`${url}/v1/${path}`, { method, headers, body: JSON.stringify(body) })).json();
    };
    const register = (username) => call(null, "POST", "auth/register", { username, password: "correct horse battery" });
    const [reader, writer] = [await register("reader"), await register("writer")];
    const room = await call(writer.token, "POST", "rooms", { kind: "private", name: "Tea", members: [reader.user.id] });
    const say = async (n) => {
      const body = { client_id: `m-${n}`, text: "m".repeat(50) };
      for (;;) {
        const { seq, retry_after_ms } = await call(writer.token, "POST", `rooms/${room.id}/messages`, body);
        if (seq) return;
        await sleep(retry_after_ms ?? 200); // refused, on a busy machine
      }
    };
    await say("first");
    let burst = 0;
    return {
      port,
      given: { token: reader.token, user: reader.user.id, room: room.id },
      burst: async () => {
        const round = burst++;
        for (let n = 0; n < MESSAGES; n += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => say(`${round}-${n + k}`)));
      },
      end: () => server.kill("SIGKILL"),
    };
  },

  async "socket.io-client"() {
    const { Server } = await import(join(folder, "node_modules/socket.io/wrapper.mjs"));
    const port = await freePort();
    const server = new Server(port);
    const message = { id: "first", sender: "writer", text: "m".repeat(50) };
    server.on("connection", (socket) => socket.emit("history", [message]));
    return {
      port,
      given: {},
      burst: async () => {
        for (let n = 0; n < MESSAGES; n++) {
          server.emit("message", { ...message, id: `m-${n}` });
          if (n % 50 === 49) await sleep(1);
        }
      },
      end: () => server.close(),
    };
  },

  async centrifuge() {
    const program = process.env.CENTRIFUGO;
    if (!program) return null;
    const port = await freePort();
    const config = join(folder, "centrifugo.json");
    const channel = { without_namespace: { history_size: 2_000, history_ttl: "1h", force_recovery: true, allow_history_for_subscriber: true } };
    const http_api = { key: SECRET };
    const client = { token: { hmac_secret_key: SECRET }, allowed_origins: ["*"] };
    writeFileSync(config, JSON.stringify({ http_server: { address: "127.0.0.1", port: String(port) }, log: { level: "error" }, health: { enabled: true }, client, channel, http_api }));
    const server = spawn(program, ["--config", config], { stdio: "ignore" });
    await ready(server, `http://127.0.0.1:${port}/health`);
    const sign = (claims) => {
      const body = `${encode('{"alg":"HS256","typ":"JWT"}')}.${encode(JSON.stringify(claims))}`;
      return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
    };
    const publish = (n) =>
      fetch(`http://127.0.0.1:${port}/api/publish`, {
        method: "POST",
        headers: { "X-API-Key": SECRET, "Content-Type": "application/json" },
        body: JSON.stringify({ channel: "tea", data: { id: `m-${n}`, sender: "writer", text: "m".repeat(50) } }),
      });
    await publish("first");
    return {
      port,
      given: { token: sign({ sub: "reader" }), ticket: sign({ sub: "reader", channel: "tea" }) },
      burst: async () => {
        for (let n = 0; n < MESSAGES; n += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => publish(n + k)));
      },
      end: () => server.kill("SIGKILL"),
    };
  },
};

/** The program of a client under measurement: prints `first` at the first message, and its CPU when a burst is complete. */
const readers = {
  "parley-client": `
    import { WebSocket } from "ws";
    import { Parley } from "${HERE}src/index.ts";
    const parley = new Parley({ url: "http://127.0.0.1:" + port, token: given.token, user: given.user, platform: { WebSocket } });
    parley.room(given.room).messages.subscribe((messages) => seen(messages.length));
    void parley.start();`,
  "socket.io-client": `
    import { io } from "socket.io-client";
    let shown = [];
    const socket = io("http://127.0.0.1:" + port, { transports: ["websocket"] });
    socket.on("history", (messages) => { shown = messages; seen(shown.length); });
    socket.on("message", (message) => { shown = [...shown, message]; seen(shown.length); });`,
  centrifuge: `
    import { WebSocket } from "ws";
    import { Centrifuge } from "centrifuge";
    let shown = [];
    const client = new Centrifuge("ws://127.0.0.1:" + port + "/connection/websocket", { websocket: WebSocket, token: given.token });
    const tea = client.newSubscription("tea", { token: given.ticket });
    tea.on("subscribed", async () => { shown = (await tea.history({ limit: 50 })).publications; seen(shown.length); });
    tea.on("publication", (message) => { shown = [...shown, message]; seen(shown.length); });
    tea.subscribe();
    client.connect();`,
};

async function compile(name) {
  const outfile = join(folder, `${name}.mjs`);
  const [imports, body] = [readers[name].match(/^ +import .*$/gm).join("\n"), readers[name].replace(/^ +import .*$/gm, "")];
  const contents = `${imports}
    const [port, given] = [process.argv[2], JSON.parse(process.argv[3])];
    let before = 0, start;
    const seen = (count) => {
      if (!before && count) { before = count; start = process.cpuUsage(); console.log("first"); }
      else if (before && count >= before + ${MESSAGES}) { const { user, system } = process.cpuUsage(start); console.log("cpu " + (user + system)); process.exit(0); }
    };
    process.on("message", () => (start = process.cpuUsage()));
    ${body}`;
  const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
  await build({ stdin: { contents, resolveDir: folder, loader: "ts" }, bundle: true, platform: "node", format: "esm", target: "node20", banner, outfile, logLevel: "error" });
  return outfile;
}

async function measure(name) {
  const server = await servers[name]?.();
  if (!server) return null;
  const program = await compile(name);
  const found = [];
  try {
    for (let run = 0; run < RUNS; run++) {
      const line = await meter(server.port);
      const reader = spawn(process.execPath, [program, line.port, JSON.stringify(server.given)], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
      let text = "";
      const said = (word) => new Promise((heard, failed) => {
        reader.stdout.on("data", (data) => (text += data).includes(word) && heard(text));
        reader.once("exit", () => (text.includes(word) ? heard(text) : failed(new Error(`${name} ended early`))));
      });
      await said("first");
      const { bytes, turns } = line.counted;
      await sleep(500); // what follows the first message is not of the burst
      reader.send("burst");
      await sleep(100);
      const finished = said("cpu ");
      await server.burst();
      const cpu = Number(/cpu (\d+)/.exec(await finished)[1]);
      found.push({ bytes, turns, cpu });
      line.close();
    }
  } finally {
    server.end();
  }
  const [{ bytes, turns }] = found; // the room has one message then; each burst makes it longer
  return { bytes, turns, cpu: median(found.map(({ cpu }) => cpu)) };
}

const number = (value) => (value === undefined ? "not measured" : value.toLocaleString("en"));
console.log("| Package | min + gzip, bytes | to the first message: bytes | round trips | CPU of 1,000 messages |\n|---|--:|--:|--:|--:|");
for (const [name, contents] of Object.entries(IMPORTS)) {
  const found = await measure(name);
  const cpu = found ? `${Math.round(found.cpu / 1_000)} ms` : "not measured";
  console.log(`| ${name} | ${number(await sizeOf(contents))} | ${number(found?.bytes)} | ${number(found?.turns)} | ${cpu} |`);
}
process.exit(0);
