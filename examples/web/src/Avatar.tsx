/** The first letters of a name on a colour of its own. */
export function Avatar({ id, name }: { id: string; name: string }) {
  const letters = name.split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("");
  const hue = [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 0);
  return (
    <span className="avatar" style={{ "--hue": hue } as React.CSSProperties} aria-hidden="true">
      {letters.toUpperCase()}
    </span>
  );
}
