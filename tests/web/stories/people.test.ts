// Blocking, and links to rooms, in several browsers.
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { ada, grace, tea, world } from "./pair.ts";
import { PASSWORD, until, type Tab } from "./world.ts";

/** Blocks a user by the button in a place, and answers the question. */
async function block(tab: Tab, place: Locator, name: string): Promise<void> {
  await place.getByRole("button", { name: `Block ${name}` }).click();
  await tab.page.getByRole("dialog", { name: `Block ${name}?` }).getByRole("button", { name: "Block", exact: true }).click();
}

const stubs = (tab: Tab) => tab.page.locator("article", { has: tab.page.locator(".deleted", { hasText: "You block this user." }) });

test("messages of an author who is blocked at one of them are stubs, new ones too, until an unblock at a stub", async () => {
  const root = await grace.say(tea, "Buy my biscuits");
  await ada.call("POST", `rooms/${tea}/messages`, { client_id: "answer", text: "No, thank you.", reply_to: root.id });
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];
  await adas.sees("Buy my biscuits");

  await adas.message("Buy my biscuits").hover();
  await block(adas, adas.message("Buy my biscuits"), "Grace");
  await stubs(adas).waitFor();
  await adas.message("No, thank you.").locator(".quote", { hasText: "You block this user." }).waitFor();
  await graces.say("Really good ones");
  await graces.sees("Really good ones");
  await until(async () => (await stubs(adas).count()) === 2);
  expect(await adas.texts()).toEqual(["No, thank you."]);
  expect(await stubs(adas).getByRole("button").allInnerTexts()).toEqual(["Unblock", "Unblock"]);
  await adas.page.reload();
  await until(async () => (await stubs(adas).count()) === 2);
  await stubs(adas).last().getByRole("button", { name: "Unblock Grace" }).click();

  await adas.sees("Buy my biscuits");
  await adas.sees("Really good ones");
  expect(await stubs(adas).count()).toBe(0);
});

test("a member is blocked in the list of members, and all tabs and devices follow", async () => {
  await grace.say(tea, "Hello");
  const browser = await world.open();
  const [first, second] = [await world.visit(ada, tea, browser), await world.visit(ada, tea, browser)];
  const phone = await world.visit(await ada.enter("login"), tea);

  await first.button("2 members").click();
  await block(first, first.page.getByRole("dialog", { name: "Members of Tea" }), "Grace");

  await first.page.getByRole("dialog", { name: "Members of Tea" }).getByRole("button", { name: "Unblock Grace" }).waitFor();
  for (const tab of [first, second, phone]) await stubs(tab).waitFor();
  await phone.button("Find people and rooms").click();
  await phone.page.getByRole("region", { name: "People you block" }).getByRole("button", { name: "Unblock Grace" }).click();
  for (const tab of [first, second, phone]) await tab.sees("Hello");
});

test("a direct room with a blocked user can be read, and nobody writes there until the block ends", async () => {
  const { id } = await grace.call("PUT", `rooms/direct/${ada.id}`);
  await grace.say(id, "Hello");
  const [adas, graces] = [await world.visit(ada, id), await world.visit(grace, id)];

  await adas.message("Hello").hover();
  await block(adas, adas.message("Hello"), "Grace");
  await adas.page.getByText("neither of you can write here").waitFor();
  expect(await adas.input.count()).toBe(0);
  await graces.say("Are you there?");
  await graces.page.getByText("Not sent").waitFor();
  await graces.button("Discard").click();
  await adas.page.locator(".hint").getByRole("button", { name: "Unblock Grace" }).click();

  await adas.say("Here I am");
  await graces.sees("Here I am");
  await graces.say("Good");
  await adas.sees("Good");
});

/** Makes a link in the dialog of members; returns its address. */
async function makeLink(tab: Tab, choices: { Ends?: string; "Can be used"?: string } = {}): Promise<string> {
  const dialog = tab.page.getByRole("dialog");
  for (const [label, choice] of Object.entries(choices)) await dialog.getByLabel(label).selectOption(choice);
  const before = await dialog.getByRole("region", { name: "Links" }).getByRole("listitem").count();
  await dialog.getByRole("button", { name: "Make a link" }).click();
  await until(async () => (await dialog.getByRole("region", { name: "Links" }).getByRole("listitem").count()) > before);
  return dialog.getByLabel("New link").inputValue();
}

test("a link is made and copied, somebody who is logged in joins by it, and its uses are counted", async () => {
  const mary = await world.register("Mary");
  const browser = await world.open({ permissions: ["clipboard-read", "clipboard-write"] });
  const [adas, marys] = [await world.visit(ada, tea, browser), await world.visit(mary)];
  await adas.button("2 members").click();

  const link = await makeLink(adas, { Ends: "after an hour", "Can be used": "ten times" });
  await adas.button("Copy").click();
  await adas.page.getByText("The link is copied.").waitFor();
  expect(await adas.page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await adas.page.getByText("Used 0 of 10 times, until ").waitFor();
  await marys.page.goto(link);
  await marys.page.getByRole("heading", { name: "You are invited to Tea" }).waitFor();
  await marys.page.getByText("A public room with 2 members").waitFor();
  await marys.button("Join").click();
  await marys.say("Hello");

  await adas.page.getByText("Used 1 of 10 times, until ").waitFor();
  expect(marys.page.url()).toBe(`${world.page}/#/rooms/${tea}`);
  await adas.page.keyboard.press("Escape");
  await adas.sees("Hello");
});

const invitation = (page: Page) => page.getByText("You are invited to a room. Log in or sign up to join it.");

test("a stranger opens a link, signs up, and joins", async () => {
  const adas = await world.visit(ada, tea);
  await adas.button("2 members").click();
  const link = await makeLink(adas, { Ends: "never", "Can be used": "any number of times" });
  await adas.page.getByText("Used 0 times", { exact: true }).waitFor();
  const page = await (await world.open()).newPage();

  await page.goto(link);
  await invitation(page).waitFor();
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByLabel("Username").fill(`joan-${ada.username}`);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("button", { name: "Join" }).click();

  await page.getByRole("textbox", { name: "Message Tea" }).waitFor();
  await adas.page.getByRole("dialog").getByText(`@joan-${ada.username}`).waitFor();
});

test("a user opens a link, logs in, and joins, and the page at a used up or deleted link says so", async () => {
  const [mary, joan] = [await world.register("Mary"), await world.register("Joan")];
  const adas = await world.visit(ada, tea);
  await adas.button("2 members").click();
  const once = await makeLink(adas, { "Can be used": "once" });
  const page = await (await world.open()).newPage();
  const joans = await world.visit(joan);

  await page.goto(once);
  await invitation(page).waitFor();
  await page.getByLabel("Username").fill(mary.username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("textbox", { name: "Message Tea" }).waitFor();
  await joans.page.goto(once);
  await joans.page.getByText("This link does not lead to a room any more").waitFor();
  await adas.button("3 members").waitFor({ state: "attached" });
  await until(async () => (await ada.call("GET", `rooms/${tea}/links`)).results.length === 0);
  const other = await makeLink(adas);
  await adas.page.getByRole("button", { name: /^Delete the link of Ada/ }).click();
  await until(async () => (await ada.call("GET", `rooms/${tea}/links`)).results.length === 0);
  await joans.page.goto(other);

  await joans.page.getByText("This link does not lead to a room any more").waitFor();
  await joans.page.getByRole("link", { name: "Show my rooms" }).click();
  await joans.page.getByText("No rooms yet.").waitFor();
});

test("a link that is opened without a connection leads to its room when there is one", async () => {
  const { code } = await ada.call("POST", `rooms/${tea}/links`, {});
  const marys = await world.visit(await world.register("Mary"));
  world.proxy.isClosed = true;
  world.proxy.cut();
  await marys.banner.filter({ hasText: "No connection" }).waitFor();

  await marys.page.goto(`${world.page}/#/join/${code}`);
  await marys.page.getByRole("region", { name: "Invitation" }).getByText("Loading").waitFor();
  world.proxy.isClosed = false;

  await marys.button("Join").click();
  await marys.input.waitFor();
});

test("a member who may not invite sees no links, and the page at a link refuses a banned user", async () => {
  const { code } = await ada.call("POST", `rooms/${tea}/links`, {});
  const graces = await world.visit(grace, tea);
  await graces.button("2 members").click();
  await graces.page.getByRole("dialog").getByText("Leave the room").waitFor();
  expect(await graces.page.getByText("Invite by link").count()).toBe(0);
  await graces.page.keyboard.press("Escape");

  await ada.call("PUT", `rooms/${tea}/bans/${grace.id}`, {});
  await graces.page.goto(`${world.page}/#/join/${code}`);
  await graces.button("Join").click();

  await graces.page.getByRole("alert").filter({ hasText: /banned/i }).waitFor();
});
