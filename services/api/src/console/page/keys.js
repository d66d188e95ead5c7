// The keyboard.

import { byId } from './dom.js';
import { cardOf, more, refresh, step } from './feed.js';
import { act } from './actions.js';

const help = byId('keys');

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  l: (card) => card && act.like(card),
  f: (card) => card && act.follow(card),
  e: (card) => card?.explain(),
  m: () => more(),
  r: () => refresh(),
  a: () => byId('auto').click(),
  '/': () => byId('viewer-input').focus(),
  '?': () => help.showModal(),
};

export function listen() {
  byId('help').addEventListener('click', () => help.showModal());
  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || target.closest('input[type=text]')) return;
    const card = cardOf(target);
    // Arrows scroll the page, unless a card has the focus.
    const arrow = card && { ArrowDown: 1, ArrowUp: -1 }[key];
    if (arrow) step(arrow);
    else if (KEYS[key]) KEYS[key](card);
    else return;
    event.preventDefault();
  });
}
