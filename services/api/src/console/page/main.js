// The console: who looks, what they see, and what becomes of what they do.

import { consoleApi } from './api.js';
import { announce, byId } from './dom.js';
import * as feed from './feed.js';
import * as keys from './keys.js';
import { Picker } from './picker.js';
import * as ranking from './ranking.js';
import * as servers from './servers.js';
import { state } from './state.js';
import * as strip from './strip.js';

const EVERY_MS = 1000;

const viewer = new Picker(byId('viewer'), 'Viewer', (user) => look(user));
const witness = new Picker(byId('witness'), 'Witness', (user) => { state.witness = user; });

async function look(user) {
  state.viewer = user;
  // The choice outlives a reload, and can be sent to somebody.
  history.replaceState(null, '', `#${user.user_id}`);
  await feed.show(user);
  announce(`Feed of ${user.handle}`);
}

// The user of the address, else the one with most to see; the next one is the witness.
async function begin() {
  const wanted = location.hash.slice(1);
  const [first, named] = await Promise.all([
    consoleApi('GET', 'users?limit=2'),
    wanted ? consoleApi('GET', `users?limit=1&q=${encodeURIComponent(wanted)}`) : null,
  ]);
  const user = named?.body[0] ?? first.body[0];
  if (!user) {
    byId('notice').textContent = 'There are no users yet: nova simulate, or nova import, brings some.';
    byId('notice').hidden = false;
    return;
  }
  const other = first.body.find((one) => one.user_id !== user.user_id);
  // Who was chosen meanwhile stays.
  if (other && !state.witness) {
    witness.show(other);
    state.witness = other;
  }
  if (state.viewer) return;
  viewer.show(user);
  await look(user);
}

async function autoRefresh() {
  if (byId('auto').checked && !document.hidden) await feed.refresh();
  setTimeout(autoRefresh, EVERY_MS);
}

byId('refresh').addEventListener('click', feed.refresh);
byId('more').addEventListener('click', feed.more);
keys.listen();
strip.listen();
ranking.listen();
servers.listen();
autoRefresh();
begin().catch((problem) => {
  byId('notice').textContent = `The users cannot be read: ${problem.message}`;
  byId('notice').hidden = false;
});
