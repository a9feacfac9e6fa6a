// A real server behind a proxy that cuts, the page of examples/web in real Chromium, and people with accounts.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { freePort, Proxy, Server } from "../../../clients/typescript/test/server.ts";
import { serve } from "../../../examples/web/build.mjs";

export { sleep, until } from "../../../clients/typescript/test/server.ts";

export const PASSWORD = "correct horse battery";
const PATIENCE_MS = Number(process.env["PATIENCE_MS"] ?? 60_000); // on a busy machine
let made = 0;

export class Person {
  readonly username: string;
  id = "";
  token = "";

  constructor(
    private readonly url: string,
    readonly name: string,
  ) {
    this.username = `${name.toLowerCase().replaceAll(" ", ".")}-${process.pid.toString(36)}${made++}`;
  }

  async call(method: string, path: string, body?: object): Promise<any> {
    const headers = { "Content-Type": "application/json", ...(this.token && { Authorization: `Bearer ${this.token}` }) };
    const response = await fetch(`${this.url}/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = response.status === 204 ? null : await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async enter(how: "register" | "login"): Promise<this> {
    const display_name = how === "register" ? { display_name: this.name } : {};
    const login = await this.call("POST", `auth/${how}`, { username: this.username, password: PASSWORD, ...display_name });
    [this.id, this.token] = [login.user.id, login.token];
    return this;
  }

  async room(name: string, ...others: Person[]): Promise<string> {
    const members = others.map(({ id }) => id);
    return (await this.call("POST", "rooms", { kind: "public", name, members })).id;
  }

  say(room: string, text: string): Promise<{ id: string; seq: number }> {
    return this.call("POST", `rooms/${room}/messages`, { client_id: `said-${made++}`, text });
  }

  async texts(room: string): Promise<string[]> {
    const { results } = await this.call("GET", `rooms/${room}/messages?limit=100`);
    return results.map(({ text }: { text: string }) => text);
  }
}

export class World {
  private readonly contexts: BrowserContext[] = [];
  readonly errors: string[] = [];
  onConsole: (text: string) => void = () => {};

  private constructor(
    readonly server: Server,
    readonly proxy: Proxy,
    readonly page: string,
    /** What is served beside the page. */
    readonly folder: string,
    private readonly browser: Browser,
    private readonly endPage: () => Promise<void>,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<World> {
    const host = "127.0.0.1";
    const port = await freePort();
    const page = `http://${host}:${port}`;
    const server = await Server.start({ CORS_ALLOWED_ORIGINS: page, ...environment });
    const proxy = await Proxy.start(server.port);
    const folder = mkdtempSync(join(tmpdir(), "parley-web-"));
    const endPage = await serve(proxy.url, folder, host, port);
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    return new World(server, proxy, page, folder, browser, endPage);
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.endPage();
    this.proxy.stop();
    await this.server.kill();
  }

  register(name: string): Promise<Person> {
    return new Person(this.server.url, name).enter("register");
  }

  /** A browser with nothing in it. */
  async open(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ viewport: { width: 1100, height: 720 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("console", (message) => this.onConsole(message.text()));
    this.contexts.push(context);
    return context;
  }

  /** A tab of this person, by a link, with a room open. */
  async visit(person: Person, room?: string, browser?: BrowserContext): Promise<Tab> {
    const page = await (browser ?? (await this.open())).newPage();
    page.on("pageerror", (error) => this.errors.push(String(error)));
    await page.goto(`${this.page}/#token=${person.token}`);
    const tab = new Tab(page);
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    if (room) await tab.go(room);
    return tab;
  }

  /** Closes all browsers; fails when a page has thrown. */
  async closeAll(): Promise<void> {
    this.proxy.isClosed = false;
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
    const errors = this.errors.splice(0);
    if (errors.length) throw new Error(errors.join("\n"));
  }
}

/** What a person sees and does in a tab. */
export class Tab {
  constructor(readonly page: Page) {}

  async go(room: string): Promise<void> {
    await this.page.evaluate((hash) => void (location.hash = hash), `/rooms/${room}`);
    await this.input.waitFor();
  }

  get input(): Locator {
    return this.page.locator(".composer textarea");
  }

  get messages(): Locator {
    return this.page.locator("article");
  }

  message(text: string): Locator {
    return this.messages.filter({ has: this.page.locator(".text", { hasText: new RegExp(`^${text.replaceAll("?", "\\?")}$`) }) });
  }

  async texts(): Promise<string[]> {
    return this.page.locator("article .text").allInnerTexts();
  }

  async say(text: string): Promise<void> {
    await this.input.fill(text);
    await this.input.press("Enter");
  }

  /** Waits until this is on the screen as sent. */
  async sees(text: string): Promise<void> {
    await this.message(text).and(this.page.locator("[data-status=sent]")).waitFor();
  }

  link(title: string): Locator {
    return this.page.locator(".sidebar li a", { hasText: title });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  async act(text: string, action: "React" | "Reply" | "Thread" | "Pin" | "Unpin" | "Edit" | "Delete"): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole("button", { name: action, exact: true }).click();
  }

  get banner(): Locator {
    return this.page.locator(".banner span");
  }
}
