// What most files of stories begin with: Ada and Grace in the room Tea, new for each story.
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { World, type Person } from "./world.ts";

export let world: World;
export let ada: Person;
export let grace: Person;
/** The id of their room. */
export let tea: string;

beforeAll(async () => void (world = await World.start()));
afterAll(() => world.end());
beforeEach(async () => {
  [ada, grace] = await Promise.all([world.register("Ada"), world.register("Grace")]);
  tea = await ada.room("Tea", grace);
});
afterEach(() => world.closeAll());
