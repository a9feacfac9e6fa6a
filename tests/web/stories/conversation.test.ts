// What people expect of a conversation: threads, mentions, receipts, presence, invitations and pins, in two browsers.
import { beforeEach, expect, test } from "vitest";
import { ada, grace, tea, world } from "./pair.ts";
import { until } from "./world.ts";

beforeEach(async () => {
  await grace.say(tea, "Where to?"); // who has written in a room is seen there
});

test("a reply in a thread stays out of the room, counts at its root and is shown to both", async () => {
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];

  await adas.act("Where to?", "Thread");
  const thread = adas.page.getByRole("complementary", { name: "Thread" });
  await thread.getByText("No replies yet.").waitFor();
  await thread.getByRole("textbox").fill("The river");
  await thread.getByRole("textbox").press("Enter");
  await graces.message("Where to?").getByRole("button", { name: "1 reply" }).click();
  const same = graces.page.getByRole("complementary", { name: "Thread" });
  await same.locator("article", { hasText: "The river" }).waitFor();
  await same.getByRole("textbox").fill("Or the sea");
  await same.getByRole("textbox").press("Enter");
  await thread.locator("article", { hasText: "Or the sea" }).waitFor();
  await adas.message("Where to?").getByRole("button", { name: "2 replies" }).waitFor();
  await thread.getByRole("button", { name: "Close the thread" }).click();

  await thread.waitFor({ state: "detached" });
  expect(await adas.texts()).toEqual(["Where to?"]);
});

test("a mention is offered by name, marks the message and the room until it is read", async () => {
  const cake = await ada.room("Cake", grace);
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, cake)];

  await adas.input.pressSequentially("Ready, @gra");
  await adas.page.getByRole("group", { name: "Mention" }).getByRole("button", { name: "Grace" }).click();
  await adas.page.keyboard.type("?");
  await adas.input.press("Enter");
  await graces.link("Tea").getByText("mentions you").waitFor();
  await graces.link("Tea").click();

  await graces.page.locator(".names-me", { hasText: `Ready, @${grace.username} ?` }).waitFor();
  await graces.link("Tea").getByText("mentions you").waitFor({ state: "detached" });
});

test("the author sees how far a message has come", async () => {
  const adas = await world.visit(ada, tea);
  const cake = await ada.room("Cake", grace);

  await adas.say("Tea?");
  await adas.page.locator(".receipt", { hasText: "Sent" }).waitFor();
  const graces = await world.visit(grace, cake);
  await adas.page.locator(".receipt", { hasText: "Delivered" }).waitFor();
  await graces.link("Tea").click();

  await adas.page.locator(".receipt", { hasText: "Read by Grace" }).waitFor();
});

test("somebody who opens the page is shown as online", async () => {
  await ada.call("PUT", `rooms/direct/${grace.id}`).then(({ id }) => ada.say(id, "Are you there?"));
  const adas = await world.visit(ada);
  await adas.link("Are you there?").waitFor();
  expect(await adas.link("Are you there?").locator(".presence").count()).toBe(0);

  await world.visit(grace);

  await adas.link("Are you there?").locator(".presence", { hasText: "online" }).waitFor();
});

test("somebody is invited, accepts, and another declines", async () => {
  const [mary, joan] = [await world.register("Mary"), await world.register("Joan")];
  const [adas, marys, joans] = [await world.visit(ada, tea), await world.visit(mary), await world.visit(joan)];

  await adas.button("2 members").click();
  for (const { username, name } of [mary, joan]) {
    await adas.page.getByLabel("Add by username").fill(username);
    await adas.button("Invite").click();
    await adas.page.getByText(`${name} is invited.`).waitFor();
  }
  await joans.page.getByRole("region", { name: "Invitations" }).getByRole("button", { name: "Decline" }).click();
  await marys.page.getByText("Ada invites you to Tea.").waitFor();
  await marys.page.getByRole("region", { name: "Invitations" }).getByRole("button", { name: "Join" }).click();
  await marys.input.waitFor();

  for (const { page } of [marys, joans]) await page.getByRole("region", { name: "Invitations" }).waitFor({ state: "detached" });
  await adas.page.getByRole("dialog").getByText("Mary").waitFor();
});

test("a pinned message is listed, leads to its place, and is unpinned", async () => {
  for (let line = 1; line <= 60; line++) await ada.say(tea, `Line ${line}`);
  const { id } = await grace.say(tea, "The address is 7 Mill Lane");
  await ada.call("PUT", `rooms/${tea}/pins/${id}`);
  for (let line = 61; line <= 120; line++) await ada.say(tea, `Line ${line}`);
  const adas = await world.visit(ada, tea);
  await adas.sees("Line 120");

  await adas.button("Pinned messages").click();
  await adas.page.getByRole("dialog").getByRole("button", { name: /7 Mill Lane/ }).click();
  await adas.message("The address is 7 Mill Lane").and(adas.page.locator(":focus")).waitFor();
  await adas.act("The address is 7 Mill Lane", "Unpin");

  await until(async () => (await ada.call("GET", `rooms/${tea}/pins`)).results.length === 0);
  await adas.message("The address is 7 Mill Lane").getByText("pinned").waitFor({ state: "detached" });
});
