// Links by which anybody may join a room: makes, copies, lists and deletes them.
import type { Link, RoomSummary } from "parley-client";
import { useParley } from "parley-client/react";
import { useCallback, useEffect, useRef, useState, type SubmitEvent } from "react";
import { useAttempt } from "./notice.ts";
import { linkAddress } from "./route.ts";
import { dayOf, timeOf } from "./words.ts";

const HOUR_S = 3_600;
const AGES = { "after an hour": HOUR_S, "after a day": 24 * HOUR_S, "after a week": 7 * 24 * HOUR_S, never: null };
const USES = { once: 1, "ten times": 10, "any number of times": null };
const MOST = 50; // of a room

export function InviteLinks({ info }: { info: RoomSummary }) {
  const client = useParley();
  const attempt = useAttempt();
  const [links, setLinks] = useState<readonly Link[]>([]);
  const [address, setAddress] = useState("");
  const path = { room_id: info.id };

  // Links have no events; each use is somebody who joins.
  const load = useCallback(async () => {
    const page = await attempt(client.rest("GET /v1/rooms/{room_id}/links", { path: { room_id: info.id }, query: { limit: MOST } }));
    if (page) setLinks(page.results);
  }, [client, attempt, info.id]);
  useEffect(() => void load(), [load, info.member_count]);

  async function make(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const age = AGES[fields.get("age") as keyof typeof AGES];
    const uses = USES[fields.get("uses") as keyof typeof USES];
    const made = await attempt(client.rest("POST /v1/rooms/{room_id}/links", { path, body: { max_age_seconds: age, max_uses: uses } }));
    if (!made) return;
    setAddress(linkAddress(made.code));
    await load();
  }

  async function remove({ id }: Link): Promise<void> {
    await attempt(client.rest("DELETE /v1/rooms/{room_id}/links/{link_id}", { path: { ...path, link_id: id } }));
    setAddress("");
    await load();
  }

  return (
    <section className="links" aria-label="Links">
      <h3>Invite by link</h3>
      <form className="in-line" onSubmit={make}>
        <Choice name="age" label="Ends" choices={Object.keys(AGES)} first="after a day" />
        <Choice name="uses" label="Can be used" choices={Object.keys(USES)} first="ten times" />
        <button className="primary">Make a link</button>
      </form>
      {address && <NewLink key={address} address={address} />}
      <ul>
        {links.map((link) => (
          <li key={link.id} className="row">
            <span className="grow">{describe(link)}</span>
            <button className="link" aria-label={`Delete the link of ${link.created_by.display_name}, ${describe(link)}`} onClick={() => remove(link)}>
              Delete
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function describe({ uses, max_uses, expires_at }: Link): string {
  const used = max_uses === null ? `Used ${uses} times` : `Used ${uses} of ${max_uses} times`;
  return expires_at ? `${used}, until ${dayOf(expires_at)}, ${timeOf(expires_at)}` : used;
}

function Choice({ name, label, choices, first }: { name: string; label: string; choices: string[]; first: string }) {
  return (
    <label className="grow">
      {label}
      <select name={name} defaultValue={first}>
        {choices.map((each) => <option key={each}>{each}</option>)}
      </select>
    </label>
  );
}

function NewLink({ address }: { address: string }) {
  const input = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState("Anybody who has this link can join. It is shown only now.");

  async function copy(): Promise<void> {
    input.current!.select();
    // A page that did not come by TLS may not write to the clipboard, and a browser may refuse.
    const isCopied = isSecureContext && (await navigator.clipboard.writeText(address).then(() => true, () => false));
    setSaid(isCopied ? "The link is copied." : "Copy the selected link.");
  }

  return (
    <>
      <div className="in-line">
        <label className="grow">
          New link
          <input ref={input} readOnly value={address} onFocus={(event) => event.currentTarget.select()} />
        </label>
        <button onClick={copy}>Copy</button>
      </div>
      <p role="status" className="hint">{said}</p>
    </>
  );
}
