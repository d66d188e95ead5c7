// What Nova says of itself, and the last answers as a trail.

import { consoleApi } from './api.js';
import { byId, h, setAttribute, setText, svg } from './dom.js';
import { on, state } from './state.js';
import { count, millis, percent } from './text.js';

const EVERY_MS = 1000;
const TRAIL = 60;
// The trail's height; the service level for a ranked feed fills it.
const FULL_MS = 200;

const tiles = new Map();
const trail = [];

// A number with its name; `level` is good, warn or bad.
function tile(name, text, level = '', title = '') {
  if (!tiles.has(name)) {
    const value = h('dd', { 'data-tile': name });
    tiles.set(name, value);
    byId('strip').append(h('div', {}, h('dt', {}, name), value));
  }
  const value = tiles.get(name);
  setText(value, text);
  setAttribute(value, 'data-level', level);
  setAttribute(value, 'title', title);
}

function showAnswer() {
  const { last } = state;
  tile('served from', last ? last.served_from : state.answers.failed > 0 ? 'no answer' : '–', last ? '' : state.answers.failed > 0 ? 'bad' : '');
  tile('answered in', last ? millis(last.ms) : '–', '', last?.server_ms ? `${millis(last.server_ms)} of it in Nova` : '');
  const left = last?.degraded ?? [];
  if (last) tile('degraded', left.length > 0 ? left.join(', ') : 'nothing', left.length > 0 ? 'warn' : 'good');
  else tile('degraded', '–');
}

// Seconds and changes as of the last look, and the mean between the two last looks that differ.
let lagBefore = null;
let lagMs = null;

function showLag(lag) {
  if (lag && lagBefore && lag.changes > lagBefore.changes) {
    lagMs = (1000 * (lag.seconds - lagBefore.seconds)) / (lag.changes - lagBefore.changes);
  }
  if (lag) lagBefore = lag;
  tile('pipeline lag', lagMs === null ? '–' : millis(lagMs), lagMs === null ? '' : lagMs > 5000 ? 'bad' : 'good',
    'From the commit in PostgreSQL until feeds serve it: the mean of the last changes');
}

function showStatus(status) {
  showLag(status.lag);
  const newest = status.newest_change_ms;
  tile('newest change', newest === null ? 'unknown' : `${millis(newest)} ago`, newest === null ? 'warn' : status.late ? 'bad' : 'good',
    'When the newest change, or heartbeat, that came all the way through was committed');
  const { hit = 0, stale = 0, miss = 0 } = status.cache;
  const all = hit + stale + miss;
  tile('cache hit rate', all > 0 ? percent((hit + stale) / all) : '–', '', 'Of all feeds since Nova started');
  tile('hits · stale · misses', [hit, stale, miss].map(count).join(' · '));
  tile('rankings', count(status.rankings), '', 'Since Nova started');
  const open = Object.entries(status.breakers).filter(([, level]) => level > 0);
  tile('breakers', open.length === 0 ? 'closed' : open.map(([server, level]) => `${server} ${level > 1 ? 'open' : 'half open'}`).join(', '),
    open.length === 0 ? 'good' : 'warn', 'A server behind an open breaker is not asked for a while');
}

async function poll() {
  try {
    showStatus((await consoleApi('GET', 'status')).body);
  } catch {
    tile('newest change', 'no answer', 'bad');
  }
  setTimeout(poll, EVERY_MS);
}

function showTrail() {
  const width = 240 / TRAIL;
  byId('trail').replaceChildren(...trail.map(({ ms, failed, degraded }, index) => {
    const height = failed ? 36 : Math.max(2, Math.min(36, (36 * ms) / FULL_MS));
    const kind = failed ? 'failed' : degraded.length > 0 ? 'degraded' : 'good';
    return svg('rect', { class: kind, x: index * width, y: 36 - height, width: width - 1, height });
  }));
  const failed = trail.filter((answer) => answer.failed).length;
  const degraded = trail.filter((answer) => !answer.failed && answer.degraded.length > 0).length;
  const times = trail.filter((answer) => !answer.failed).map((answer) => answer.ms).sort((a, b) => a - b);
  const text = `Last ${trail.length === 1 ? 'answer' : `${trail.length} answers`}: median ${millis(times[Math.floor(times.length / 2)])}, ${degraded} degraded, ${failed} failed`;
  setAttribute(byId('trail'), 'aria-label', text);
  setText(byId('trail-caption'), text);
}

export function listen() {
  for (const name of ['pipeline lag', 'newest change', 'cache hit rate', 'hits · stale · misses', 'rankings', 'breakers']) tile(name, '–');
  showAnswer();
  on('answer', (answer) => {
    trail.push(answer);
    if (trail.length > TRAIL) trail.shift();
    showTrail();
    showAnswer();
  });
  poll();
}
