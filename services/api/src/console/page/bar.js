// The score as a bar of its three weighted terms.

import { h, setText } from './dom.js';
import { decimal } from './text.js';

export const TERMS = ['freshness', 'engagement', 'affinity'];

// What the API explains: [{name, term, weight, part}], part = weight * term. Empty when the answer explains nothing.
export function termsOf({ explain, formula }) {
  if (!explain || !formula) return [];
  return TERMS.map((name) => {
    const weight = formula[`${name}_weight`];
    return { name, term: explain[name], weight, part: weight * explain[name] };
  });
}

function fill(segment, part, scale) {
  const width = `${((100 * part) / scale).toFixed(3)}%`;
  if (segment.style.width !== width) segment.style.width = width;
}

export function scoreBar() {
  const segments = Object.fromEntries(TERMS.map((name) => [name, h('span', { class: `segment ${name}`, 'data-term': name })]));
  // A score that nothing explains.
  const whole = h('span', { class: 'segment' });
  const track = h('span', { class: 'track', 'aria-hidden': 'true' }, Object.values(segments), whole);
  const number = h('span', { class: 'number', 'aria-hidden': 'true' });
  const spoken = h('span', { class: 'unseen' });
  const tip = h('span', { class: 'tip', 'aria-hidden': 'true' });
  const element = h('button', { type: 'button', class: 'bar', 'aria-expanded': 'false' }, number, track, spoken, tip);
  return {
    element,
    // `scale` is the score that fills the bar.
    update(item, scale) {
      const terms = termsOf(item);
      const parts = Object.fromEntries(terms.map(({ name, part }) => [name, part]));
      for (const [name, segment] of Object.entries(segments)) fill(segment, parts[name] ?? 0, scale);
      fill(whole, terms.length === 0 ? item.score : 0, scale);
      setText(number, decimal(item.score));
      const sum = terms.map(({ name, term, weight, part }) => `${name} ${decimal(weight)} × ${decimal(term)} = ${decimal(part)}`);
      setText(spoken, `Score ${decimal(item.score)}${sum.length > 0 ? `: ${sum.join(', ')}` : ''}. Why this post?`);
      setText(tip, sum.join('\n'));
    },
  };
}
