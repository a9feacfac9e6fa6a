// Lost connections, a killed server, ended sessions, several tabs and several users of one browser.
import { expect, test } from "vitest";
import { ada, grace, tea, world } from "./pair.ts";
import { PASSWORD, sleep, until, World, type Person } from "./world.ts";

function offline(): void {
  world.proxy.isClosed = true;
  world.proxy.cut();
}

function online(): void {
  world.proxy.isClosed = false;
}

test("what is typed offline survives a reload and is said once, in order, when the line is back", async () => {
  const adas = await world.visit(ada, tea);
  await adas.say("before");
  await adas.sees("before");

  offline();
  await adas.banner.filter({ hasText: "No connection" }).waitFor();
  for (const text of ["one", "two", "three"]) await adas.say(text);
  await adas.message("three").getByText("waiting").waitFor();
  await adas.page.reload();
  await adas.message("three").getByText("waiting").waitFor();
  expect(await adas.texts()).toEqual(["before", "one", "two", "three"]);
  online();

  await adas.sees("three");
  await adas.banner.waitFor({ state: "detached" });
  expect(await ada.texts(tea)).toEqual(["before", "one", "two", "three"]);
});

test("a text that waits can be discarded", async () => {
  const adas = await world.visit(ada, tea);
  offline();
  await adas.banner.filter({ hasText: "No connection" }).waitFor();
  await adas.say("never mind");
  await adas.say("mind this");

  await adas.button("Discard").first().click();
  online();

  await adas.sees("mind this");
  expect(await ada.texts(tea)).toEqual(["mind this"]);
});

test("a text that the server refuses can be tried again and discarded", async () => {
  const graces = await world.visit(grace, tea);
  const member = `rooms/${tea}/members/${grace.id}`;
  offline();
  await graces.banner.filter({ hasText: "No connection" }).waitFor();
  await graces.say("let me in");
  await graces.say("please");
  await ada.call("DELETE", member);
  online();

  await graces.page.getByText("Not sent:").nth(1).waitFor();
  await graces.button("Discard").first().click();
  await ada.call("PUT", member, {});
  await graces.input.waitFor();
  await graces.button("Try again").click();

  await graces.sees("please");
  expect(await ada.texts(tea)).toEqual(["please"]);
});

test("twenty messages through ten cuts are said and shown once, in order", async () => {
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];
  const texts = Array.from({ length: 20 }, (_, number) => `message ${number + 1}`);

  for (const [index, text] of texts.entries()) {
    await adas.say(text);
    if (index % 2) world.proxy.cut();
  }

  await graces.sees("message 20");
  await adas.sees("message 20");
  expect(await graces.texts()).toEqual(texts);
  expect(await adas.texts()).toEqual(texts);
  expect(await ada.texts(tea)).toEqual(texts);
});

test("after a crash of the server nobody has to do anything", async () => {
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];

  await world.server.kill();
  await adas.say("while it is down");
  await adas.banner.waitFor();
  await world.server.start();

  await graces.sees("while it is down");
  await adas.sees("while it is down");
  await graces.say("I heard you");
  await adas.sees("I heard you");
});

test("tabs of one user share drafts, messages and unsent texts, also after the first one is closed", async () => {
  const browser = await world.open();
  const [first, second] = [await world.visit(ada, tea, browser), await world.visit(ada, tea, browser)];

  await first.input.fill("half a thought");
  await until(async () => (await second.input.inputValue()) === "half a thought");
  offline();
  await second.banner.filter({ hasText: "No connection" }).waitFor();
  await second.say("from the second tab");
  await first.message("from the second tab").waitFor();
  await first.page.close();
  online();

  await second.sees("from the second tab");
  await grace.say(tea, "to the second tab");
  await second.sees("to the second tab");
  expect(await ada.texts(tea)).toEqual(["from the second tab", "to the second tab"]);
});

test("what one user left unsent is neither seen nor said by the next one of the browser", async () => {
  const adas = await world.visit(ada, tea);
  await adas.say("hello");
  await adas.sees("hello");
  offline();
  await adas.banner.filter({ hasText: "No connection" }).waitFor();
  await adas.say("a secret of Ada");
  await adas.button("Log out").click();
  online();
  const logIn = async (person: Person) => {
    await adas.page.getByLabel("Username").fill(person.username);
    await adas.page.getByLabel("Password").fill(PASSWORD);
    await adas.button("Log in").click();
  };

  await logIn(grace);
  await adas.sees("hello");
  await adas.say("I am Grace");
  await adas.sees("I am Grace");
  expect(await adas.texts()).toEqual(["hello", "I am Grace"]);
  await adas.button("Log out").click();
  await logIn(ada);

  await adas.sees("a secret of Ada");
  const { results } = await grace.call("GET", `rooms/${tea}/messages`);
  expect(results.map((each: { text: string; sender: { id: string } }) => [each.text, each.sender.id])).toEqual([
    ["hello", ada.id],
    ["I am Grace", grace.id],
    ["a secret of Ada", ada.id],
  ]);
});

test("two tabs of one browser belong to two users, also after a reload", async () => {
  const browser = await world.open();
  const [adas, graces] = [await world.visit(ada, tea, browser), await world.visit(grace, tea, browser)];

  await adas.page.reload();
  await graces.page.reload();
  await adas.say("I am Ada");
  await graces.say("I am Grace");

  await graces.message("I am Ada").and(graces.page.locator("[aria-label^=Ada]")).waitFor();
  await adas.message("I am Grace").and(adas.page.locator("[aria-label^=Grace]")).waitFor();
});

test("a log-out elsewhere ends the page in all tabs, and it says so", async () => {
  const browser = await world.open();
  const [first, second] = [await world.visit(ada, tea, browser), await world.visit(ada, tea, browser)];

  await ada.call("POST", "auth/logout-all");

  await first.page.getByText("Your session has ended.").waitFor();
  await second.page.getByText("Your session has ended.").waitFor();
});

test("a session that expires leads to the log-in, and what was not sent goes out after it", async () => {
  const short = await World.start({ SESSION_MAX_SECONDS: "8" });
  try {
    const mary = await short.register("Mary");
    const room = await mary.room("Tea");
    const marys = await short.visit(mary, room);
    short.proxy.isClosed = true;
    short.proxy.cut();
    await marys.banner.filter({ hasText: "No connection" }).waitFor();
    await marys.say("kept");
    await sleep(8_000); // until the session has ended
    short.proxy.isClosed = false;
    await marys.page.getByText("Your session has ended.").waitFor();
    await marys.page.getByLabel("Username").fill(mary.username);
    await marys.page.getByLabel("Password").fill(PASSWORD);
    await marys.button("Log in").click();

    await marys.sees("kept");
  } finally {
    await short.end();
  }
});
