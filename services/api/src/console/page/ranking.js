// How the ranking came about that the shown page was cut from.

import { byId, h, setText } from './dom.js';
import { on } from './state.js';
import { count, millis } from './text.js';

const row = (...cells) => h('tr', {}, cells.map((cell, index) => (index === 0 ? h('th', { scope: 'row' }, cell) : h('td', {}, cell))));

function table(caption, heads, rows) {
  return h('table', {},
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))),
    h('tbody', {}, rows));
}

export function listen() {
  on('page', (page) => {
    const explain = page.explain ?? null;
    byId('ranking-panel').hidden = explain === null;
    if (explain === null) return;
    setText(byId('ranking-age'), `${count(explain.ranked)} posts, ranked ${millis(explain.snapshot_age_ms)} ago.`);
    byId('ranking').replaceChildren(
      table('Sources', ['source', 'found', 'took', ''], explain.sources.map((source) => row(source.source, count(source.candidates), millis(source.ms), source.outcome === 'ok' ? '' : source.outcome))),
      table('Filters', ['filter', 'kept', 'removed'], explain.filters.map((filter) => row(filter.filter, count(filter.kept), count(filter.removed)))));
  });
}
