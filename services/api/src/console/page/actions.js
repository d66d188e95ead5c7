// Like, follow and block: sent as the viewer, and watched until somebody sees them.

import { api } from './api.js';
import { announce, byId, h } from './dom.js';
import { feedOf, measure } from './effect.js';
import { handleOf, state, tell } from './state.js';
import { excerpt, millis } from './text.js';

const MAX_LINES = 30;

const has = (feed, post) => feed.items.find((item) => item.post_id === post);
const by = (feed, author) => feed.items.filter((item) => item.author_id === author);

export const act = {
  async like(card) {
    const { post_id: post, caption } = card.item;
    const on = !card.item.viewer.liked;
    const viewer = state.viewer.user_id;
    // The witness, if the post is in their feed; else the viewer, whose counts come the same way.
    const line = newLine(`${on ? 'Like' : 'Take back the like'} of “${excerpt(caption, 32)}”`);
    const watching = await watcher(post, viewer);
    if (!watching) { line.failed('the feed cannot be had now'); return; }
    const { user, name, likes } = watching;
    await run(line, {
      request: () => api(viewer, on ? 'PUT' : 'DELETE', `posts/${post}/like`),
      accepted: () => { card.item.viewer.liked = on; card.liked(on); },
      seen: async () => {
        const item = has(await feedOf(user), post);
        return item && (on ? item.counts.likes > likes : item.counts.likes < likes);
      },
      where: `counted in the feed of ${name}`,
    });
  },

  async follow(card) {
    const { author } = card;
    const viewer = state.viewer.user_id;
    const known = state.names.get(author);
    const on = !known?.followed;
    const line = newLine(`${on ? 'Follow' : 'Follow no longer'} ${handleOf(author)}`);
    await run(line, {
      request: () => api(viewer, on ? 'PUT' : 'DELETE', `users/${author}/follow`),
      accepted: () => relate(author, { followed: on }),
      seen: async () => by(await feedOf(viewer), author).some((item) => item.sources.includes('follow')) === on,
      where: on ? 'their posts are in the feed by follow' : 'no post is in the feed by follow',
    });
  },

  block: (card) => setBlock(card.author, true),
  unblock: (author) => setBlock(author, false),
};

async function setBlock(author, on) {
  const viewer = state.viewer.user_id;
  const line = newLine(`${on ? 'Block' : 'Unblock'} ${handleOf(author)}`, on ? () => act.unblock(author) : null);
  await run(line, {
    request: () => api(viewer, on ? 'PUT' : 'DELETE', `users/${author}/block`),
    accepted: () => relate(author, { blocked: on, ...(on ? { followed: false } : {}) }),
    seen: async () => {
      const [mine, theirs] = await Promise.all([feedOf(viewer), feedOf(author)]);
      return on ? by(mine, author).length + by(theirs, viewer).length === 0 : by(mine, author).length > 0;
    },
    where: on ? 'hidden from each other' : 'their posts are back',
  });
}

function relate(author, change) {
  state.names.set(author, { handle: author.slice(0, 8), display_name: '', followed: false, blocked: false, ...state.names.get(author), ...change });
  tell('names');
}

// Who is asked for the count, and what they see now.
async function watcher(post, viewer) {
  const candidates = [state.witness, state.viewer].filter((user) => user !== null);
  for (const { user_id: user, handle } of candidates) {
    const item = has(await feedOf(user).catch(() => ({ items: [] })), post);
    if (item) return { user, name: user === viewer ? 'the viewer' : `@${handle}`, likes: item.counts.likes };
  }
  return null;
}

async function run(line, { request, accepted, seen, where }) {
  const { viewer } = state;
  let measured;
  try {
    measured = await measure(request, seen);
  } catch (problem) {
    line.failed(problem.message);
    return;
  }
  // Another viewer stands to others in other ways.
  if (state.viewer === viewer) accepted();
  line.requested(measured.request);
  line.seen(await measured.visible, where);
  tell('refresh');
}

// A line of the list of effects, filled as it goes on.
function newLine(what, undo = null) {
  byId('effects-hint').hidden = true;
  const request = h('b', { 'data-ms': 'request' }, '…');
  const visible = h('b', { 'data-ms': 'visible' }, '…');
  const where = h('span', {}, 'being looked for');
  const button = undo && h('button', { type: 'button', class: 'quiet', onclick: () => { button.disabled = true; undo(); } }, 'Undo');
  const element = h('li', { 'data-state': 'sent' },
    h('p', {}, what, button),
    h('p', { class: 'times' }, 'request ', request, ' · ', visible, ' ', where));
  const list = byId('effects');
  list.prepend(element);
  while (list.children.length > MAX_LINES) list.lastElementChild.remove();
  return {
    requested(ms) {
      element.dataset.state = 'accepted';
      request.textContent = millis(ms);
    },
    seen(ms, text) {
      element.dataset.state = ms === null ? 'unseen' : 'seen';
      visible.textContent = ms === null ? 'not within 10 s:' : millis(ms);
      where.textContent = ms === null ? text : `until ${text}`;
    },
    failed(why) {
      element.dataset.state = 'failed';
      element.lastElementChild.textContent = why;
      announce(`${what}: ${why}`);
    },
  };
}
