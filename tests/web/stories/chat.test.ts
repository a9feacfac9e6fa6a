// What people do in a chat, in two browsers.
import { expect, test } from "vitest";
import { ada, grace, tea, world } from "./pair.ts";
import { PASSWORD, until } from "./world.ts";

test("a new user signs up, is told what is wrong with a password, and finds people to talk to", async () => {
  const page = await (await world.open()).newPage();
  await page.goto(world.page);
  await page.getByRole("button", { name: "I am new here" }).click();
  await page.getByLabel("Username").fill(`mary-${ada.username}`);
  await page.getByLabel("Password").fill("12345678");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("alert").filter({ hasText: /too common/ }).waitFor();

  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByText("No rooms yet.").waitFor();
  await page.getByRole("navigation").getByRole("button", { name: "Find people and rooms" }).last().click();
  await page.getByLabel("Name", { exact: true }).fill(grace.username);
  await page.getByRole("button", { name: `Grace @${grace.username}` }).click();
  await page.getByText("Nobody has written yet. Say hello!").waitFor();
  await page.locator("textarea").fill("Hello!");
  await page.keyboard.press("Enter");

  const graces = await world.visit(grace);
  await graces.link(`mary-${ada.username}`).filter({ hasText: "Hello!" }).waitFor();
  expect(await graces.page.title()).toBe("(1) Parley");
});

test("a message is heard, edited, answered and deleted, and the other page follows", async () => {
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];

  await adas.say("Tea at four?");
  await graces.sees("Tea at four?");
  await graces.act("Tea at four?", "Reply");
  await graces.say("Yes, please.");
  await adas.message("Yes, please.").locator(".quote", { hasText: "Tea at four?" }).waitFor();
  await adas.act("Tea at four?", "Edit");
  await adas.say("Tea at five?");
  await graces.message("Tea at five?").getByText("edited").waitFor();
  await graces.message("Yes, please.").locator(".quote", { hasText: "Tea at five?" }).waitFor();
  await adas.act("Tea at five?", "Delete");
  await adas.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();

  await graces.page.locator("article").getByText("This message was deleted.").first().waitFor();
  await graces.message("Yes, please.").locator(".quote", { hasText: "This message was deleted." }).waitFor();
  expect(await adas.texts()).toEqual(["Yes, please."]);
});

test("a reaction is added by one, joined by another and removed", async () => {
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];
  await adas.say("Cake!");

  await graces.sees("Cake!");
  await graces.act("Cake!", "React");
  await graces.message("Cake!").getByRole("button", { name: "🎉" }).click();
  await adas.message("Cake!").getByRole("button", { name: "🎉 1", pressed: false }).click();
  await graces.message("Cake!").getByRole("button", { name: "🎉 2", pressed: true }).click();

  await adas.message("Cake!").getByRole("button", { name: "🎉 1", pressed: true }).waitFor();
  await adas.message("Cake!").getByRole("button", { name: "🎉 1" }).click();
  await graces.message("Cake!").getByRole("button", { name: /🎉/ }).waitFor({ state: "detached" });
});

test("typing is shown to the others by name, and ends with the message", async () => {
  const [adas, graces] = [await world.visit(ada, tea), await world.visit(grace, tea)];

  await adas.input.pressSequentially("Te");
  await graces.page.getByText("Ada is typing …").waitFor();
  await adas.input.press("Enter");

  await graces.sees("Te");
  await graces.page.getByText("Ada is typing …").waitFor({ state: "detached" });
});

test("a badge counts what is unread, until the room is looked at", async () => {
  const cake = await ada.room("Cake", grace);
  const graces = await world.visit(grace, cake);
  const badge = graces.link("Tea").locator(".badge");

  await ada.say(tea, "one");
  const { id } = await ada.say(tea, "two");
  await badge.filter({ hasText: /^2/ }).waitFor();
  expect(await graces.page.title()).toBe("(2) Parley");
  await ada.call("DELETE", `rooms/${tea}/messages/${id}`);
  await badge.filter({ hasText: /^1/ }).waitFor();
  await graces.link("Tea").click();
  await graces.page.getByText("New messages").waitFor();

  await badge.waitFor({ state: "detached" });
  await until(async () => (await grace.call("GET", `rooms/${tea}`)).me.unread === 0);
  await until(async () => (await graces.page.title()) === "Parley");
});

test("scrolling up loads page after page without a hole, and what is on the screen stays where it is", async () => {
  const lines = Array.from({ length: 130 }, (_, line) => `Line ${line + 1}`);
  for (const line of lines) await ada.say(tea, line);
  await grace.call("POST", `rooms/${tea}/read`, { seq: 131 });
  const graces = await world.visit(grace, tea);
  await graces.sees("Line 130");
  const list = graces.page.locator(".messages");
  expect(await graces.messages.count()).toBeLessThan(130);

  const jumps = await list.evaluate(async (box) => {
    const found: number[] = [];
    for (let step = 0; step < 400 && !box.textContent!.includes("This is the beginning."); step++) {
      box.scrollTop -= 150;
      const top = [...box.querySelectorAll("article")].find((row) => row.getBoundingClientRect().top > 150)!;
      const before = top.getBoundingClientRect().top;
      await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
      found.push(Math.abs(top.getBoundingClientRect().top - before));
    }
    return found;
  });

  expect(await graces.texts()).toEqual(lines);
  expect(Math.max(...jumps)).toBeLessThan(3);
});

test("many unread messages are shown from the first one on, and a quote of an old one leads there", async () => {
  const first = await grace.say(tea, "Where are the spoons?");
  for (let line = 1; line <= 120; line++) await ada.say(tea, `Line ${line}`);
  await ada.call("POST", `rooms/${tea}/messages`, { client_id: "late", text: "In the drawer.", reply_to: first.id });
  const slow = await world.open();
  slow.on("page", async (page) => (await slow.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: 6 }));
  const graces = await world.visit(grace, tea, slow);

  await graces.page.getByText("New messages").waitFor();
  await graces.message("Line 1").waitFor();
  await graces.button("121 new").waitFor();
  expect((await grace.call("GET", `rooms/${tea}`)).me.unread).toBe(121);
  await graces.button("121 new").click();
  await graces.sees("In the drawer.");
  const adas = await world.visit(ada, tea);
  await adas.sees("In the drawer.");
  expect(await adas.message("Where are the spoons?").count()).toBe(0);
  await adas.message("In the drawer.").locator(".quote", { hasText: "Where are the spoons?" }).click();

  await adas.message("Where are the spoons?").and(adas.page.locator(":focus")).waitFor();
});

test("an owner adds and removes a member, who sees it at once", async () => {
  const mary = await world.register("Mary");
  const [adas, marys] = [await world.visit(ada, tea), await world.visit(mary)];

  await adas.button("2 members").click();
  await adas.page.getByLabel("Add by username").fill(mary.username);
  await adas.button("Add").click();
  await marys.link("Tea").click();
  await marys.input.waitFor();
  await adas.button("Remove Mary").click();

  await marys.page.getByText("You are not a member of this room.").waitFor();
  await marys.button("Join").click();
  await marys.input.waitFor();
});

test("the keyboard alone reads, answers, edits and leaves the text of the input where it is", async () => {
  for (const text of ["one", "two", "three"]) await grace.say(tea, text);
  const adas = await world.visit(ada, tea);
  await adas.sees("three");
  const { keyboard } = adas.page;

  await adas.input.focus();
  await keyboard.type("Hello world");
  for (let step = 0; step < 6; step++) await keyboard.press("ArrowLeft");
  await keyboard.type(", dear", { delay: 20 });
  expect(await adas.input.inputValue()).toBe("Hello, dear world");
  await keyboard.press("Enter");
  await adas.sees("Hello, dear world");
  await keyboard.press("ArrowUp");
  await keyboard.press("ControlOrMeta+A");
  await keyboard.type("Hello, world");
  await keyboard.press("Enter");
  await adas.message("Hello, world").getByText("edited").waitFor();
  await keyboard.press("Shift+Tab"); // over the actions of the newest message
  for (let tabs = 0; tabs < 9 && (await adas.page.evaluate(() => document.activeElement!.tagName)) !== "ARTICLE"; tabs++)
    await keyboard.press("Shift+Tab");
  await keyboard.press("ArrowUp");
  await keyboard.press("ArrowUp");
  expect(await adas.page.locator(":focus .text").innerText()).toBe("two");
  await keyboard.press("Tab"); // react
  await keyboard.press("Tab"); // reply
  await keyboard.press("Enter");
  await keyboard.type("to two");
  await keyboard.press("Enter");

  await adas.message("to two").locator(".quote", { hasText: "two" }).waitFor();
});
