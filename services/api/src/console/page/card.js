// One post of the feed.

import { act } from './actions.js';
import { scoreBar, termsOf } from './bar.js';
import { h, setAttribute, setText } from './dom.js';
import { picture } from './picture.js';
import { handleOf, state } from './state.js';
import { age, count, decimal, hoursSince } from './text.js';

export class Card {
  constructor(item) {
    this.id = item.post_id;
    this.author = item.author_id;
    this.bar = scoreBar();
    this.handle = h('b', { class: 'handle', id: `author-${this.id}` });
    this.name = h('span', { class: 'name' });
    this.when = h('time', { datetime: item.created_at });
    this.caption = h('p', { class: 'caption', id: `caption-${this.id}`, dir: 'auto' });
    this.badges = h('ul', { class: 'badges', 'aria-label': 'Sources' });
    this.counts = Object.fromEntries(['likes', 'comments', 'shares'].map((name) => [name, h('b', { 'data-count': name })]));
    this.like = h('button', { type: 'button', class: 'like', 'data-act': 'like', onclick: () => act.like(this) });
    this.follow = h('button', { type: 'button', 'data-act': 'follow', onclick: () => act.follow(this) });
    this.block = h('button', { type: 'button', 'data-act': 'block', onclick: () => act.block(this) }, 'Block');
    this.why = h('div', { class: 'why', id: `why-${this.id}`, hidden: true });
    setAttribute(this.bar.element, 'aria-controls', this.why.id);
    this.bar.element.addEventListener('click', () => this.explain());
    this.element = h('article', { class: 'card', tabindex: '-1', 'data-post': this.id, 'data-author': this.author, 'aria-labelledby': `author-${this.id} caption-${this.id}` },
      picture(item),
      h('div', { class: 'body' },
        h('header', {}, this.handle, this.name, this.when, this.badges),
        this.caption,
        this.bar.element,
        this.why,
        h('footer', {},
          h('ul', { class: 'counts', 'aria-label': 'Counts' },
            Object.entries(this.counts).map(([name, number]) => h('li', {}, number, ` ${name}`))),
          h('div', { class: 'buttons' }, this.like, this.follow, this.block))));
  }

  update(item, place, scale) {
    this.item = item;
    setAttribute(this.element, 'aria-posinset', place + 1);
    setAttribute(this.element, 'aria-setsize', -1);
    setText(this.when, age(hoursSince(item.created_at)));
    setText(this.caption, item.caption);
    this.bar.update(item, scale);
    const sources = item.sources.join(' ');
    if (this.badges.dataset.sources !== sources) {
      this.badges.dataset.sources = sources;
      this.badges.replaceChildren(...item.sources.map((source) => h('li', { class: `badge ${source}` }, source)));
    }
    for (const [name, number] of Object.entries(this.counts)) this.count(number, item.counts[name]);
    this.relation();
    this.liked(item.viewer.liked);
    if (!this.why.hidden) this.fillWhy();
  }

  count(element, now) {
    const before = element.dataset.n;
    if (before === String(now)) return;
    element.dataset.n = now;
    element.title = String(now);
    setText(element, count(now));
    // A number that moves is seen to move.
    if (before !== undefined) element.animate([{ color: 'var(--accent)', transform: 'scale(1.35)' }, {}], { duration: 500 });
  }

  liked(liked) {
    setAttribute(this.like, 'aria-pressed', liked);
    setText(this.like, liked ? '♥ Liked' : '♡ Like');
  }

  // The author, and how the viewer stands to them.
  relation() {
    const known = state.names.get(this.author);
    setText(this.handle, handleOf(this.author));
    setText(this.name, known?.display_name ?? '');
    setAttribute(this.follow, 'aria-pressed', Boolean(known?.followed));
    setText(this.follow, known?.followed ? 'Following' : 'Follow');
  }

  explain() {
    this.why.hidden = !this.why.hidden;
    setAttribute(this.bar.element, 'aria-expanded', !this.why.hidden);
    if (!this.why.hidden) this.fillWhy();
  }

  fillWhy() {
    const { explain } = this.item;
    if (!explain) {
      this.why.replaceChildren(h('p', {}, 'This answer explains nothing: it is a fallback.'));
      return;
    }
    const rows = termsOf(this.item).map(({ name, term, weight, part }) => h('tr', {},
      h('th', { scope: 'row' }, h('i', { class: `key ${name}` }), name),
      h('td', {}, decimal(term)), h('td', {}, `× ${weight}`), h('td', {}, decimal(part)), h('td', { class: 'from' }, madeOf(name, explain.inputs))));
    this.why.replaceChildren(
      h('table', {},
        h('thead', {}, h('tr', {}, ['term', 'value', 'weight', 'part', 'from'].map((name) => h('th', { scope: 'col' }, name)))),
        h('tbody', {}, rows)),
      h('p', {}, placeOf(explain)));
  }
}

function placeOf(explain) {
  const moved = explain.rank_before_diversity - explain.rank;
  const place = `Rank ${explain.rank}`;
  if (moved === 0) return `${place}, as scored.`;
  return `${place}; ${explain.rank_before_diversity} by score alone: no author has more than two of any ten posts.`;
}

function madeOf(name, inputs) {
  if (name === 'freshness') return `age ${decimal(inputs.age_hours)} h`;
  if (name === 'affinity') return `${inputs.interactions} interactions in 90 days`;
  const n = (key) => `${inputs[key]} ${key}`;
  return [n('likes'), n('comments'), n('shares'), n('impressions')].join(', ');
}
