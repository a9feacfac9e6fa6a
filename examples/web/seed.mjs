// People, rooms and messages for the demo. What is there already stays.
const PASSWORD = "correct-horse-battery";
const PEOPLE = { ada: "Ada Lovelace", grace: "Grace Hopper", mary: "Mary Somerville", teabot: "Tea bot" };
const TEA = [
  ["grace", "Good morning! Who is in today?"],
  ["ada", "I am. The engine ran all night."],
  ["mary", "And I, from the train. The line is gone in every tunnel."],
  ["grace", "Write on. It goes out when you are back, once and in order."],
  ["mary", "So it did 🙂"],
  ["ada", "Tea at four?"],
  ["grace", "Yes please. There is cake as well."],
];
const ENGINES = [
  ["ada", "The second batch of cards is punched."],
  ["mary", "Sent you the figures of the comet, they are not the ones in the book."],
  ["ada", "Then the book is wrong: https://example.com/comets\nI have checked each line twice."],
];
const LINES = 240; // of the room for scrolling

/** Seeds the server. Returns the tokens of the people and the id of the room in which the bot talks. */
export async function seed(url) {
  const call = async (token, method, path, body) => {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(`${url}/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = response.status === 204 ? undefined : await response.json();
    return response.ok ? answer : Promise.reject(new Error(`${method} ${path}: ${answer.detail}`));
  };
  const people = {};
  for (const [username, display_name] of Object.entries(PEOPLE)) {
    const login = { username, password: PASSWORD };
    people[username] = await call(null, "POST", "auth/login", login).catch(() =>
      call(null, "POST", "auth/register", { ...login, display_name }),
    );
  }
  const as = (name, ...request) => call(people[name].token, ...request);
  const ids = (...names) => names.map((name) => people[name].user.id);
  const { results } = await as("ada", "GET", "rooms");
  const seeded = results.find(({ slug }) => slug === "tea");
  if (seeded) return { people, password: PASSWORD, tea: seeded.id };

  let count = 0;
  const say = (room, name, text) => as(name, "POST", `rooms/${room}/messages`, { client_id: `seed-${count++}`, text });
  const make = (body) => as("ada", "POST", "rooms", body).then(({ id }) => id);
  const scroll = await make({ kind: "public", name: "Long read", topic: "Scroll up", members: ids("grace") });
  for (let line = 1; line <= LINES; line++) await say(scroll, line % 3 ? "ada" : "grace", `Line ${line} of ${LINES}.`);
  const engines = await make({ kind: "private", name: "Engines", topic: "Cards, cogs, comets", members: ids("grace", "mary") });
  for (const [name, text] of ENGINES) await say(engines, name, text);
  const tea = await make({ kind: "public", name: "Tea", slug: "tea", topic: "Ask the bot anything", members: ids("grace", "mary", "teabot") });
  for (const [name, text] of TEA) await say(tea, name, text);
  const direct = await as("grace", "PUT", `rooms/direct/${people.ada.user.id}`);
  await say(direct.id, "grace", "Shall we look at the new page together?");
  return { people, password: PASSWORD, tea };
}
