// @vitest-environment happy-dom
import { act, StrictMode, useState, type SubmitEvent } from "react";
import { createRoot } from "react-dom/client";
import { beforeEach, expect, test } from "vitest";
import { ParleyProvider, useDraft, useReadable, useRoom, useRooms, useStatus, useTyping, useUnread } from "../src/react.js";
import { meet } from "./pair.js";
import type { Person } from "./people.js";
import { until } from "./server.js";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = false;
let alice: Person;
let bob: Person;
let room: string;

beforeEach(async () => void ({ alice, bob, room } = await meet()));

function Chat({ id }: { id: string }) {
  const { messages, hasOlder, older, send } = useRoom(id);
  const [draft, setDraft] = useDraft(id);
  const typing = useTyping(id);
  const say = (event: SubmitEvent) => {
    event.preventDefault();
    send(draft);
  };
  return (
    <section>
      {hasOlder && <button onClick={() => void older()}>Older</button>}
      <ol>{messages.map((message) => <li key={message.client_id} data-status={message.status}>{message.text}</li>)}</ol>
      <em>{typing.length}</em>
      <form onSubmit={say}><input value={draft} onChange={(event) => setDraft(event.target.value)} /></form>
      <button id="say" onClick={() => send("Tea?")}>Say</button>
    </section>
  );
}

function App({ id }: { id: string }) {
  const rooms = useRooms();
  const [open, setOpen] = useState(false);
  return (
    <main>
      <p>{useStatus()}</p>
      <b>{useUnread()}</b>
      <ul>{rooms.map((each) => <li key={each.id} onClick={() => setOpen(true)}>{each.title}</li>)}</ul>
      {open && <Chat id={id} />}
    </main>
  );
}

test("hooks in StrictMode show rooms, messages and sends, and the client ends with its provider", async () => {
  await bob.say(room, "hello");
  const client = alice.client();
  const page = document.createElement("div");
  const root = createRoot(page);
  const text = (selector: string) => [...page.querySelectorAll(selector)].map((each) => each.textContent);

  root.render(<StrictMode><ParleyProvider client={client}><App id={room} /></ParleyProvider></StrictMode>);
  await until(() => text("p").join() === "live" && text("b").join() === "1");
  page.querySelector("ul li")!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  await until(() => text("ol li").join() === "hello");
  page.querySelector("#say")!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  await until(() => text("ol li").join() === "hello,Tea?" && !page.querySelector("[data-status=queued], [data-status=sending]"));
  await bob.say(room, "Yes.");
  await until(() => text("ol li").join() === "hello,Tea?,Yes.");
  root.unmount();
  await until(() => client.status.get() === "offline");

  expect((await alice.history(room)).map((message) => message.text)).toEqual(["hello", "Tea?", "Yes."]);
});

test("a component renders only when its own readable changes", async () => {
  const client = alice.client();
  let renders = 0;
  function Unread() {
    renders++;
    return <b>{useReadable(client.unread)}</b>;
  }
  const page = document.createElement("div");
  const root = createRoot(page);
  await client.start();
  root.render(<Unread />);
  await until(() => page.textContent === "0");
  const before = renders;

  await client.room(room).send("mine").settled;
  await bob.say(room, "theirs");
  await until(() => page.textContent === "1");

  expect(renders - before).toBe(1);
  root.unmount();
  client.stop();
  void act;
});
