// `make demo`: a server, the page, people, rooms and a bot that talks. Ctrl-C ends all of it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import net from "node:net";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { load, serve } from "./build.mjs";
import { seed } from "./seed.mjs";

const HOST = "127.0.0.1";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = process.env.DEMO_FOLDER ?? `${ROOT}.var/demo`;
const PYTHON = resolve(process.env.PYTHON ?? `${ROOT}.venv/bin/python`);
const RESTART_MS = 500;
const STARTS = 3; // without one success
const READY_MS = 60_000;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The wanted port, or the next one that is free. */
async function freePort(wanted) {
  const probe = net.createServer();
  const isFree = await new Promise((decided) => {
    probe.once("error", () => decided(false));
    probe.listen(wanted, HOST, () => decided(true));
  });
  probe.close();
  return isFree ? wanted : freePort(wanted + 1);
}

/** `manage.py serve`, started again whenever it ends. */
class Server {
  #process;
  #isEnding = false;
  #wasReady = false;
  #output = "";

  constructor(port, origin) {
    this.url = `http://${HOST}:${port}`;
    const { PATH, HOME, LANG } = process.env;
    const database = { DATABASE_URL: `sqlite:///${FOLDER}/parley.sqlite3`, REDIS_URL: "" };
    this.environment = { PATH, HOME, LANG, ...database, HOST, PORT: String(port), CORS_ALLOWED_ORIGINS: origin };
  }

  get pid() {
    return this.#process.pid;
  }

  async start() {
    for (let starts = 0; starts < STARTS; starts++) {
      this.#run();
      if (await this.#isReady()) return;
      await this.#kill();
    }
    throw new Error(`The server does not start:\n${this.#output}`);
  }

  #run() {
    // In a group of its own: Ctrl-C reaches only this process, which ends the others in order.
    this.#process = spawn(PYTHON, ["manage.py", "serve"], { cwd: ROOT, env: this.environment, detached: true });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on("data", (text) => (this.#output = (this.#output + text).slice(-4_000)));
    this.#process.once("error", (error) => (this.#output += error));
    this.#process.once("exit", () => void this.#restart());
  }

  async #restart() {
    if (this.#isEnding || !this.#wasReady) return;
    console.log("The server has ended; it is started again.");
    await sleep(RESTART_MS);
    if (this.#isEnding) return;
    this.#run();
    if (await this.#isReady()) console.log(`The server is back, as process ${this.pid}.`);
  }

  async #isReady() {
    const { pid } = this.#process;
    for (let waited = 0; waited < READY_MS && this.#process.exitCode === null && this.#process.pid === pid; waited += 100) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok) return (this.#wasReady = true);
      await sleep(100);
    }
    return false;
  }

  async #kill(signal = "SIGKILL") {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null || !this.pid) return;
    const exited = once(this.#process, "exit");
    this.#process.kill(signal);
    await exited;
  }

  async end() {
    this.#isEnding = true;
    await this.#kill("SIGTERM");
  }
}

const pagePort = await freePort(Number(process.env.PAGE_PORT ?? 8080));
const server = new Server(await freePort(Number(process.env.PORT ?? 8001)), `http://${HOST}:${pagePort}`);
const ending = [() => server.end()];

let isOver = false;
async function end(code) {
  if (isOver) return;
  isOver = true;
  await Promise.all(ending.map((each) => each()));
  process.exit(code);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void end(0));

try {
  await mkdir(FOLDER, { recursive: true });
  console.log("Starting the server ...");
  await server.start();
  const { people, password, tea } = await seed(server.url);
  ending.push(await serve(server.url, `${FOLDER}/page`, HOST, pagePort));
  const bot = await load("bot.ts", `${FOLDER}/bot.mjs`);
  ending.push(bot.start(server.url, people.teabot.token, tea));

  const link = (name) => `http://${HOST}:${pagePort}/#token=${people[name].token}`;
  console.log(`
  Ada:    ${link("ada")}
  Grace:  ${link("grace")}

Open both, each in a window of its own. More people: http://${HOST}:${pagePort}, the password of ada, grace
and mary is ${password}. The server is process ${server.pid}: kill it, and see what happens. Ctrl-C ends the demo.
`);
} catch (error) {
  if (!isOver) console.error(error.message);
  await end(1);
}
