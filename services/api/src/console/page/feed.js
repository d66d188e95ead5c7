// The list of cards.

import { api, consoleApi } from './api.js';
import { Card } from './card.js';
import { announce, arrange, byId, h, setAttribute } from './dom.js';
import { act } from './actions.js';
import { handleOf, on, state, tell } from './state.js';

const PAGE = 20;
const MAX_PAGE = 100;

const root = byId('feed');
const cards = new Map();
let items = [];
let cursor = null;
// Only the newest question is answered.
let asked = 0;

export async function show(viewer) {
  items = [];
  cards.clear();
  state.names.clear();
  arrange(root, []);
  byId('feed-title').textContent = `Feed of @${viewer.handle}`;
  await refresh();
}

// The first page again, as long as what is shown.
export async function refresh() {
  const limit = Math.min(MAX_PAGE, Math.max(PAGE, items.length));
  const page = await ask(`feed?limit=${limit}&explain=true`);
  if (page) take(page, page.items);
}

export async function more() {
  if (!cursor) return;
  const before = items.length;
  const page = await ask(`feed?limit=${PAGE}&explain=true&cursor=${encodeURIComponent(cursor)}`);
  if (!page) return;
  if (page.restarted) {
    announce('The list was too old to go on: the feed begins again.');
    take(page, page.items);
    return;
  }
  const known = new Set(items.map((item) => item.post_id));
  take(page, [...items, ...page.items.filter((item) => !known.has(item.post_id))]);
  announce(`${items.length - before} more posts`);
}

async function ask(path) {
  if (!state.viewer) return null;
  const mine = ++asked;
  root.setAttribute('aria-busy', 'true');
  try {
    const answer = await api(state.viewer.user_id, 'GET', path);
    note(answer);
    if (mine !== asked) return null;
    const page = answer.body;
    // Pages of one walk have one formula; after a change of weights a refresh brings another.
    for (const item of page.items) item.formula = page.explain?.formula;
    tell('page', page);
    return page;
  } catch (problem) {
    state.answers.failed += 1;
    state.last = null;
    tell('answer', { failed: true, ms: null, degraded: [] });
    if (mine === asked) notice(`The feed is not there: ${problem.message}`);
    return null;
  } finally {
    if (mine === asked) root.setAttribute('aria-busy', 'false');
  }
}

function note({ body, headers, ms }) {
  const cache = headers.get('x-nova-cache') ?? 'miss';
  if (cache in state.answers) state.answers[cache] += 1;
  const total = /total;dur=([\d.]+)/u.exec(headers.get('server-timing') ?? '');
  state.last = { served_from: body.served_from, cache, degraded: body.degraded, ms, server_ms: total ? Number(total[1]) : null };
  tell('answer', { failed: false, ...state.last });
}

function take(page, list) {
  items = list;
  cursor = page.next_cursor;
  notice(items.length === 0 ? 'This feed is empty: nobody they follow has posted lately, and nothing is trending.' : '');
  const scale = Math.max(...items.map((item) => item.score), Number.EPSILON);
  const wanted = items.map((item, place) => {
    if (!cards.has(item.post_id)) cards.set(item.post_id, new Card(item));
    const card = cards.get(item.post_id);
    card.update(item, place, scale);
    return card;
  });
  const current = cards.get(document.activeElement?.closest?.('.card')?.dataset.post);
  arrange(root, wanted.map((card) => card.element));
  for (const id of [...cards.keys()]) if (!wanted.some((card) => card.id === id)) cards.delete(id);
  rove(current && cards.has(current.id) ? current.element : root.firstElementChild);
  byId('more').hidden = cursor === null || cursor === undefined;
  byId('end').hidden = !byId('more').hidden || items.length === 0;
  name();
}

function notice(text) {
  const element = byId('notice');
  element.hidden = text === '';
  if (element.textContent !== text) element.textContent = text;
}

// One card is in the tab order: the one that was left last.
function rove(current) {
  for (const card of root.children) setAttribute(card, 'tabindex', card === current ? 0 : -1);
}

root.addEventListener('focusin', (event) => {
  const card = event.target.closest('.card');
  if (card) rove(card);
});

// The names of authors that are not known yet.
async function name() {
  const viewer = state.viewer.user_id;
  const unknown = [...new Set(items.map((item) => item.author_id))].filter((id) => !state.names.has(id));
  if (unknown.length === 0) return;
  try {
    const { body } = await consoleApi('GET', `users/${viewer}/names?ids=${unknown.slice(0, 100).join(',')}`);
    if (viewer !== state.viewer.user_id) return;
    for (const [id, known] of Object.entries(body)) state.names.set(id, known);
    tell('names');
  } catch {
    // PostgreSQL is away: the cards show ids until it is back.
  }
}

on('names', () => {
  for (const card of cards.values()) card.relation();
  const blocked = [...state.names].filter(([, known]) => known.blocked);
  byId('blocked-panel').hidden = blocked.length === 0;
  byId('blocked').replaceChildren(...blocked.map(([id]) => h('li', {}, handleOf(id),
    h('button', { type: 'button', class: 'quiet', onclick: () => act.unblock(id) }, `Unblock`, h('span', { class: 'unseen' }, ` ${handleOf(id)}`)))));
});

on('refresh', refresh);

// For the keyboard: the card that has the focus, and its neighbours.
export const cardOf = (element) => cards.get(element?.closest?.('.card')?.dataset.post) ?? null;

export function step(by) {
  const current = document.activeElement?.closest?.('.card');
  const next = current ? (by > 0 ? current.nextElementSibling : current.previousElementSibling) : root.querySelector('.card[tabindex="0"]');
  if (!next) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
}
