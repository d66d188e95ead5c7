// The servers of the development stack. Without a supervisor the panel is not there.

import { consoleApi } from './api.js';
import { announce, byId, h, setAttribute, setText } from './dom.js';
import { megabytes } from './text.js';

const EVERY_MS = 2000;

const rows = new Map();

function row(name) {
  const button = h('button', { type: 'button', onclick: () => toggle(name) });
  const parts = { name: h('b', {}, name), state: h('span', { class: 'state' }), memory: h('small', {}), button };
  parts.element = h('li', { 'data-server': name }, h('i', { class: 'dot', 'aria-hidden': 'true' }), parts.name, parts.memory, parts.state, button);
  rows.set(name, parts);
  byId('servers').append(parts.element);
  return parts;
}

function show(server) {
  const parts = rows.get(server.name) ?? row(server.name);
  setAttribute(parts.element, 'data-state', server.state);
  setText(parts.state, server.state);
  setAttribute(parts.state, 'title', server.trouble ?? '');
  setAttribute(parts.name, 'title', server.address);
  setText(parts.memory, server.memory ? megabytes(server.memory) : '');
  parts.button.hidden = !server.can_pause;
  const verb = server.state === 'paused' ? 'Resume' : 'Pause';
  if (parts.button.dataset.verb !== verb) {
    parts.button.dataset.verb = verb;
    parts.button.replaceChildren(verb, h('span', { class: 'unseen' }, ` ${server.name}`));
  }
}

async function toggle(name) {
  const parts = rows.get(name);
  const verb = parts.button.dataset.verb.toLowerCase();
  parts.button.disabled = true;
  try {
    await consoleApi('POST', `servers/${name}/${verb}`);
    announce(`${name}: ${verb === 'pause' ? 'paused' : 'goes on'}`);
  } catch (problem) {
    announce(`${name}: ${problem.message}`);
    setText(parts.state, problem.message);
  }
  await look();
  parts.button.disabled = false;
}

async function look() {
  const { body } = await consoleApi('GET', 'servers').catch(() => ({ body: { control: false, servers: [] } }));
  byId('servers-panel').hidden = !body.control;
  for (const server of body.servers) show(server);
  setText(byId('pipeline'), body.pipeline ?? '');
}

export async function listen() {
  await look();
  setTimeout(listen, EVERY_MS);
}
