// Who may be meant by what is typed behind an @.
import type { Member, Room } from "parley-client";
import { useMembers } from "parley-client/react";

const UNFINISHED = /(^|\s)@([\w.-]*)$/;
const MOST_SHOWN = 5;

/** The name that is being typed at the end of a text; null when there is none. */
export const unfinishedName = (text: string) => UNFINISHED.exec(text)?.[2]?.toLowerCase() ?? null;
export const finishName = (text: string, username: string) => text.replace(UNFINISHED, `$1@${username} `);

/** The ids of the members whose names stand in a text. */
export function mentionsIn(text: string, room: Room): string[] {
  const names = new Set([...text.matchAll(/(?:^|\s)@([\w.-]+)/g)].map(([, name]) => name!.toLowerCase()));
  const isNamed = ({ user }: Member) => names.has(user.username) || names.has(user.username.replace(/\.$/, ""));
  return names.size ? room.members.get().filter(isNamed).map(({ user }) => user.id) : [];
}

/** Buttons that finish the name. */
export function Suggestions({ room, name, onChoose }: { room: Room; name: string; onChoose(username: string): void }) {
  const fits = ({ user }: Member) => [user.username, user.display_name.toLowerCase()].some((each) => each.startsWith(name));
  const members = useMembers(room.id).filter(fits).slice(0, MOST_SHOWN);
  return (
    <div className="suggestions" role="group" aria-label="Mention">
      {members.map(({ user }) => (
        <button key={user.id} type="button" onClick={() => onChoose(user.username)}>
          {user.display_name} <small>@{user.username}</small>
        </button>
      ))}
    </div>
  );
}
