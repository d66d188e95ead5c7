// What the parts of the page share: who looks, who watches, and what the last answers said.

const listeners = new Map();

export const state = {
  // The user whose feed is shown, and another one who is asked whether they see an effect.
  viewer: null,
  witness: null,
  // user_id → {handle, display_name, followed, blocked}, as the viewer stands to them.
  names: new Map(),
  // The last page: {served_from, cache, degraded, ms, server_ms, restarted}.
  last: null,
  // Answers to this page by what X-Nova-Cache said.
  answers: { hit: 0, stale: 0, miss: 0, failed: 0 },
};

export function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, []);
  listeners.get(event).push(listener);
}

export function tell(event, detail) {
  for (const listener of listeners.get(event) ?? []) listener(detail);
}

export const handleOf = (user) => {
  const known = state.names.get(user);
  return known ? `@${known.handle}` : `user ${user.slice(0, 8)}`;
};
