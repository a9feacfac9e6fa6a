// Times, counts and lists as a reader of English expects them.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat("en", { weekday: "long" });
const date = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const DAY_MS = 86_400_000;

const startOfDay = (time: Date) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

export const timeOf = (at: string) => clock.format(new Date(at));

/** "Today", "Yesterday", a weekday of the last six days, or a date. */
export function dayOf(at: string): string {
  const time = new Date(at);
  const days = Math.round((startOfDay(new Date()) - startOfDay(time)) / DAY_MS);
  if (days < 7 && days > 1) return weekday.format(time);
  return ["Today", "Yesterday"][days] ?? date.format(time);
}

/** The time of a list: that of today's, else the day. */
export const shortTimeOf = (at: string) => (dayOf(at) === "Today" ? timeOf(at) : dayOf(at));

export const countOf = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** "Ada, Grace, and Mary" */
export const listOf = (names: string[]) => new Intl.ListFormat("en").format(names);

/** Instead of the text of a message. What a blocked user writes comes without it: the way to read it is to unblock. */
export const withoutText = ({ blocked }: { blocked: boolean }) => (blocked ? "You block this user." : "This message was deleted.");
