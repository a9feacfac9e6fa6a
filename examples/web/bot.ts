// The bot of the demo: answers questions and direct messages, and says something by itself now and then.
import { Parley, type Message, type Platform, type Room } from "parley-client";
import { WebSocket } from "ws";

const TYPING_MS = 1_500;
const PAUSE_MS = 30_000; // between two thoughts
const THOUGHTS = [
  "The kettle is on.",
  "A message that was acknowledged is stored. So is this one.",
  "Try me: kill the server while you type.",
  "Somebody left the biscuits open.",
  "I was edited once. Nobody noticed.",
  "Close your laptop for a week; I will still be in the right order.",
];
const ANSWERS = ["Earl Grey, always.", "That depends on the biscuits.", "Yes.", "Let me think about it over a cup.", "I would ask Grace."];

const pick = (texts: string[], { seq }: Pick<Message, "seq">) => texts[seq % texts.length]!;

/** Starts the bot; it thinks in the room of this id. Returns a function that ends it. */
export function start(url: string, token: string, roomId: string): () => void {
  const bot = new Parley({ url, token, platform: { WebSocket: WebSocket as unknown as Platform["WebSocket"] } });
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };
  const say = (room: Room, text: string, replyTo?: string) => {
    room.type();
    after(TYPING_MS, () => void room.send(text, replyTo ? { replyTo } : {}).settled.catch(() => {}));
  };
  const think = () => {
    const last = bot.room(roomId).info.get()?.last_message;
    if (bot.status.get() === "live" && last) say(bot.room(roomId), pick(THOUGHTS, last));
    after(PAUSE_MS, think);
  };

  // Not on("message"), which leaves out what came while the bot was away.
  bot.on("event", ({ event }) => {
    if (event.type !== "message.created" || event.data.sender.id === bot.me.get()?.id) return;
    const message = event.data;
    const room = bot.room(event.room_id);
    void room.read();
    const isDirect = room.info.get()?.kind === "direct";
    if (isDirect || message.text?.includes("?")) say(room, pick(ANSWERS, message), isDirect ? undefined : message.id);
  });
  void bot.start();
  after(PAUSE_MS / 10, think);
  return () => {
    timers.forEach(clearTimeout);
    bot.stop();
  };
}
