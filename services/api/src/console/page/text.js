// Numbers as people read them.

const COUNT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (n) => COUNT.format(n);

// Four figures at most.
export function millis(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 10_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

export function age(hours) {
  if (hours < 1 / 60) return 'now';
  if (hours < 1) return `${Math.round(hours * 60)} min`;
  if (hours < 48) return `${hours < 10 ? hours.toFixed(1) : Math.round(hours)} h`;
  return `${Math.round(hours / 24)} d`;
}

export const hoursSince = (time) => Math.max(0, (Date.now() - Date.parse(time)) / 3_600_000);

export const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

export const percent = (part) => `${(part * 100).toFixed(part > 0.9995 || part < 0.1 ? 0 : 1)} %`;

export const decimal = (x) => (x === null || x === undefined ? '–' : x.toFixed(3));

export function excerpt(text, length = 48) {
  const line = text.replace(/\s+/gu, ' ').trim();
  const characters = [...line];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : line;
}
