// A picture that stands in for the media, which is on other hosts and often not there: the same for the same post, drawn
// here. Nothing is loaded.

import { svg } from './dom.js';

// A number of 32 bits from a text (FNV-1a).
function hash(text) {
  let number = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    number = Math.imul(number ^ text.charCodeAt(index), 0x01000193);
  }
  return number >>> 0;
}

export function picture(item) {
  const seed = hash(item.post_id);
  const hue = seed % 360;
  const second = (hue + 40 + ((seed >>> 9) % 80)) % 360;
  const id = `picture-${item.post_id}`;
  const round = (bits, from, to) => from + ((seed >>> bits) % (to - from));
  const name = item.media_type === 'video' ? 'video' : 'image';
  const seconds = Math.round(item.duration_ms / 1000);
  const label = name === 'video' ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : 'image';
  return svg('svg', { class: 'picture', viewBox: '0 0 90 120', preserveAspectRatio: 'xMaxYMax slice', role: 'img', 'aria-label': `Placeholder of ${name === 'video' ? `a video of ${seconds} seconds` : 'an image'}` },
    svg('defs', {}, svg('linearGradient', { id, x1: '0', y1: '0', x2: '1', y2: '1' },
      svg('stop', { offset: '0', 'stop-color': `hsl(${hue} 70% 52%)` }),
      svg('stop', { offset: '1', 'stop-color': `hsl(${second} 65% 30%)` }))),
    svg('rect', { width: '90', height: '120', fill: `url(#${id})` }),
    svg('circle', { cx: round(3, 5, 85), cy: round(11, 5, 60), r: round(17, 14, 40), fill: 'white', opacity: '0.13' }),
    svg('circle', { cx: round(6, 5, 85), cy: round(14, 60, 115), r: round(20, 10, 34), fill: 'black', opacity: '0.13' }),
    name === 'video'
      ? svg('path', { d: 'M37 47 L60 60 L37 73 Z', fill: 'white', opacity: '0.92' })
      : svg('path', { d: 'M24 76 L40 54 L51 68 L58 60 L68 76 Z M60 46 a5 5 0 1 0 0.01 0 Z', fill: 'white', opacity: '0.92' }),
    svg('text', { x: '84', y: '113', 'text-anchor': 'end', class: 'picture-label' }, label));
}
