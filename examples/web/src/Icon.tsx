const PATHS = {
  back: "M15 5l-7 7 7 7",
  block: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.700 5.700l12.600 12.600",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16v4zM13 7l4 4",
  exit: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.500a3.5 3.5 0 0 1 0 6M18 14.500c2.2.8 3.5 2.700 3.5 5.5",
  pin: "M12 15v6M8 4h8l-1 6 3 3v2H6v-2l3-3-1-6z",
  plus: "M12 5v14M5 12h14",
  reply: "M10 7L4 12l6 5M4 12h9c4 0 7 2 7 6",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.5 16.500L21 21",
  send: "M4 12l16-8-6 16-3-7-7-1z",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 14c1 2 2.5 3 4 3s3-1 4-3M9 9v.5M15 9v.5",
  thread: "M4 5h16v11H10l-5 4v-4H4V5zM8 9h8M8 12h5",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

/** A picture beside or instead of a text; a button that has only this needs an `aria-label`. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
