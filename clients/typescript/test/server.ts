// A real Parley for the tests: `manage.py serve` on a free port, and a proxy in front of it that cuts.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
const PYTHON = process.env["PARLEY_PYTHON"] ?? join(ROOT, ".venv/bin/python");

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

export class Server {
  private process: ChildProcess | undefined;
  private output = "";
  private readonly database = join(mkdtempSync(join(tmpdir(), "parley-")), "parley.sqlite3");

  private constructor(
    readonly port: number,
    private readonly environment: Record<string, string>,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<Server> {
    const server = new Server(await freePort(), environment);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private get variables(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(DATABASE|REDIS|SECRET|SESSION|RATE)_/.test(name));
    return {
      ...Object.fromEntries(inherited),
      DATABASE_URL: `sqlite:///${this.database}`,
      REDIS_URL: "",
      SECRET_KEY: "only-for-tests-".repeat(4),
      HOST: "127.0.0.1",
      PORT: String(this.port),
      DJANGO_SETTINGS_MODULE: "tests.realtime.live_settings",
      CORS_ALLOWED_ORIGINS: "https://app.example.com",
      ...this.environment,
    };
  }

  async start(): Promise<void> {
    this.process = spawn(PYTHON, ["manage.py", "serve"], { cwd: ROOT, env: this.variables });
    for (const stream of [this.process.stdout, this.process.stderr]) stream?.on("data", (text) => (this.output += text));
    for (let tries = 0; tries < 600; tries++) {
      if (this.process.exitCode !== null) break;
      const response = await fetch(`${this.url}/readyz`).catch(() => null);
      if (response?.ok) return;
      await sleep(100);
    }
    throw new Error(`The server did not start:\n${this.output}`);
  }

  /** SIGKILL: nothing is said to anybody. */
  kill(): Promise<void> {
    return this.end("SIGKILL");
  }

  stop(): Promise<void> {
    return this.end("SIGTERM");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (process?.exitCode !== null || process.signalCode !== null) return;
    const exited = new Promise((done) => process.once("exit", done));
    process.kill(signal);
    await exited;
  }

  /** Runs a management command beside the server. */
  async manage(...args: string[]): Promise<void> {
    const command = spawn(PYTHON, ["manage.py", ...args], { cwd: ROOT, env: this.variables, stdio: "ignore" });
    const code = await new Promise((done) => command.once("exit", done));
    if (code !== 0) throw new Error(`manage.py ${args.join(" ")} failed`);
  }
}

/** A TCP proxy that cuts all its lines, refuses new ones, or swallows everything. */
export class Proxy {
  private readonly lines = new Set<net.Socket>();
  isClosed = false;
  isMute = false;

  private constructor(
    private readonly server: net.Server,
    readonly url: string,
  ) {}

  static async start(target: number): Promise<Proxy> {
    const port = await freePort();
    const server = net.createServer((near) => proxy.accept(near, target));
    const proxy = new Proxy(server, `http://127.0.0.1:${port}`);
    await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
    return proxy;
  }

  private accept(near: net.Socket, target: number): void {
    if (this.isClosed) return void near.destroy();
    const far = net.connect(target, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.lines.add(from);
      from.on("data", (bytes) => this.isMute || to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        this.lines.delete(from);
        to.destroy();
      });
    }
  }

  cut(): void {
    for (const line of this.lines) line.destroy();
  }

  stop(): void {
    this.cut();
    this.server.close();
  }
}

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Waits for a condition, a minute at most. */
export async function until(condition: () => unknown, what: string | (() => string) = condition.toString()): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (await condition()) return;
    await sleep(20);
  }
  throw new Error(`Not in a minute: ${typeof what === "string" ? what : what()}`);
}
