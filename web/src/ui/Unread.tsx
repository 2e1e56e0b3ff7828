/** How many messages somebody has not read; nothing, if none. */
export function Unread({ count }: { readonly count: number }) {
  if (count === 0) return null;
  return (
    <span className="badge">
      {count}
      <span className="hidden-text"> unread</span>
    </span>
  );
}
