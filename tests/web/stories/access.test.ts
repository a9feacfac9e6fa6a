// Accessibility by axe-core, in light and dark, at the width of a page and of a phone; and the layout of a phone.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { World, type Person, type Tab } from "./world.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE: BrowserContextOptions = { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true };
const SHOTS = process.env["SHOTS"]; // a folder for screenshots, to be looked at

let world: World;
let ada: Person;
let grace: Person;
let tea: string;
let cake: string;
let code: string;

beforeAll(async () => {
  world = await World.start();
  [ada, grace] = await Promise.all([world.register("Ada Lovelace"), world.register("Grace Hopper")]);
  tea = await ada.room("Tea", grace);
  const { id } = await grace.say(tea, "A long line, with a link to https://example.com/a/page/whose/address/is/much/too/long/for/the/screen/of/a/phone");
  await ada.call("POST", `rooms/${tea}/messages`, { client_id: "answer", text: "Seen.\n\nTwice.", reply_to: id });
  for (const key of ["👍", "🎉"]) await ada.call("PUT", `rooms/${tea}/messages/${id}/reactions/${encodeURIComponent(key)}`);
  await grace.call("PUT", `rooms/${tea}/messages/${id}/reactions/${encodeURIComponent("👍")}`);
  for (const n of [1, 2]) await grace.call("POST", `rooms/${tea}/messages`, { client_id: `thread-${n}`, text: `Thread ${n}`, thread_root: id });
  await ada.call("PUT", `rooms/${tea}/pins/${id}`);
  const invited = await grace.room("Cake");
  await grace.call("PUT", `rooms/${invited}/invites/${ada.id}`);
  const joan = await world.register("Joan Clarke");
  cake = await ada.room("Crumbs", joan);
  await joan.say(cake, "Buy my biscuits");
  await ada.call("PUT", `me/blocks/${joan.id}`);
  ({ code } = await grace.call("POST", `rooms/${invited}/links`, { max_uses: 10 }));
  const gone = await grace.say(tea, "gone");
  await grace.call("DELETE", `rooms/${tea}/messages/${gone.id}`);
  await ada.call("PUT", `rooms/direct/${grace.id}`);
  await ada.room("A room with a name that is much too long for a list of rooms beside it");
});
afterAll(() => world.end());
afterEach(() => world.closeAll());

/** The findings of axe, none of which is expected, and a screenshot if one is wanted. */
async function check(page: Page, name: string): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished)));
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png` });
  await page.evaluate(AXE);
  const findings = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<{ violations: any[] }> } }).axe.run();
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node: any) => node.html).join(" ")}`);
  });
  expect(findings, name).toEqual([]);
}

const isTooWide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

async function walk(tab: Tab, name: string): Promise<void> {
  const { page } = tab;
  await page.locator(".sidebar li").nth(2).waitFor();
  await check(page, `${name}-list`);
  expect(await isTooWide(page)).toBe(false);
  await tab.go(tea);
  await tab.sees("Seen.\\s+Twice.");
  await tab.message("Seen.\\s+Twice.").focus();
  await check(page, `${name}-room`);
  expect(await isTooWide(page)).toBe(false);
  await tab.message("Seen.\\s+Twice.").getByRole("button", { name: "Reply" }).click();
  await check(page, `${name}-reply`);
  await tab.button("Cancel").click();
  await page.getByRole("button", { name: "2 replies" }).click();
  await page.getByRole("complementary", { name: "Thread" }).getByText("Thread 2").waitFor();
  await check(page, `${name}-thread`);
  expect(await isTooWide(page)).toBe(false);
  await tab.button("Close the thread").click();
  await tab.button("Pinned messages").click();
  await page.getByRole("dialog").getByText("Grace Hopper").waitFor();
  await check(page, `${name}-pins`);
  await page.keyboard.press("Escape");
  await tab.input.fill("@");
  await page.getByRole("group", { name: "Mention" }).getByRole("button").first().waitFor();
  await check(page, `${name}-mention`);
  await tab.input.fill("");
  await tab.button("2 members").click();
  await page.getByRole("dialog").getByText("Grace Hopper").waitFor();
  await check(page, `${name}-members`);
  await tab.button("Make a link").click();
  await page.getByRole("dialog").getByLabel("New link").waitFor();
  await check(page, `${name}-new-link`);
  expect(await isTooWide(page)).toBe(false);
  await page.getByRole("dialog").getByRole("button", { name: "Block Grace Hopper" }).click();
  await page.getByRole("dialog", { name: "Block Grace Hopper?" }).waitFor();
  await check(page, `${name}-block`);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Block Grace Hopper?" }).waitFor({ state: "detached" });
  await page.getByRole("dialog", { name: "Members of Tea" }).waitFor();
  await page.keyboard.press("Escape");
  await tab.go(cake);
  await page.getByText("You block this user.").waitFor();
  await check(page, `${name}-blocked`);
  await page.evaluate((hash) => void (location.hash = hash), `/join/${code}`);
  await tab.button("Join").last().waitFor();
  await check(page, `${name}-link`);
  expect(await isTooWide(page)).toBe(false);
  await tab.go(tea);
  world.proxy.isClosed = true;
  world.proxy.cut();
  await tab.banner.filter({ hasText: "No connection" }).waitFor();
  await tab.say("later");
  await check(page, `${name}-offline`);
  await tab.button("Discard").click();
  world.proxy.isClosed = false;
}

for (const [name, options] of Object.entries({
  "page-light": {},
  "page-dark": { colorScheme: "dark" },
  "phone-light": PHONE,
  "phone-dark": { ...PHONE, colorScheme: "dark" },
} satisfies Record<string, BrowserContextOptions>)) {
  test(`the chat is accessible and fits the screen: ${name}`, async () => {
    await walk(await world.visit(ada, undefined, await world.open(options)), name);
  });

  test(`the log-in, an empty list and the dialogs are accessible: ${name}`, async () => {
    const page = await (await world.open(options)).newPage();
    await page.goto(`${world.page}/#/join/${code}`);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await check(page, `${name}-log-in`);

    const tab = await world.visit(await world.register("Mary"), undefined, page.context());
    await tab.page.getByText("No rooms yet.").waitFor();
    await check(tab.page, `${name}-empty`);
    await tab.button("New room").click();
    await check(tab.page, `${name}-new-room`);
    await tab.page.keyboard.press("Escape");
    await tab.button("Find people and rooms").first().click();
    await tab.page.getByRole("dialog").getByRole("button", { name: /Tea/ }).waitFor();
    await check(tab.page, `${name}-find`);
  });
}

test("on a phone the list and the room take turns", async () => {
  const { page } = await world.visit(grace, undefined, await world.open(PHONE));

  await page.locator(".sidebar li a", { hasText: "Tea" }).tap();
  await page.locator(".composer textarea").waitFor();
  expect(await page.locator(".sidebar").isVisible()).toBe(false);
  await page.getByRole("paragraph").filter({ hasText: "A long line" }).tap({ position: { x: 10, y: 10 } });
  await page.locator("article:focus").getByRole("button", { name: "Reply" }).waitFor();
  await page.getByRole("link", { name: "Back to the rooms" }).tap();

  await page.locator(".sidebar").waitFor();
  expect(await page.locator(".room").isVisible()).toBe(false);
});
